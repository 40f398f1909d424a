import numpy as np
import torch

torch.manual_seed(1)
rng = np.random.default_rng(1)
age = rng.normal(size=(400, 6)).astype("float32")
churn = (age @ np.array([1.0, -2, 0.5, 0, 0, 1]) + rng.normal(size=400) > 0).astype("float32")
clf = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1), torch.nn.Sigmoid())
bce = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(clf.parameters(), lr=0.01)
features, target = torch.from_numpy(age), torch.from_numpy(churn).unsqueeze(1)
i = 0
while i < 40:
    pick = torch.randint(0, 400, (64,))
    opt.zero_grad()
    out = clf(features[pick])
    l = bce(out, target[pick])
    l.backward()
    opt.step()
    i += 1
print("loss", float(l))

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from sklearn.utils import resample
from torch import nn

rng = np.random.default_rng(5)
X = rng.normal(size=(600, 10)).astype("float32")
y = (X[:, 0] + 0.5 * rng.normal(size=600) > 1.4).astype("float32")
minority_X, minority_y = X[y == 1], y[y == 1]
extra_X, extra_y = resample(minority_X, minority_y, replace=True, n_samples=400, random_state=0)
X_all = np.vstack([X, extra_X])
y_all = np.concatenate([y, extra_y])
X_tr, X_te, y_tr, y_te = train_test_split(X_all, y_all, test_size=0.25, random_state=1)
X_tr, X_te = torch.tensor(X_tr), torch.tensor(X_te)
y_tr, y_te = torch.tensor(y_tr).unsqueeze(1), torch.tensor(y_te).unsqueeze(1)

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
bce = nn.BCEWithLogitsLoss()
for epoch in range(20):
    opt.zero_grad()
    loss = bce(model(X_tr), y_tr)
    loss.backward()
    opt.step()
model.eval()
with torch.no_grad():
    acc = ((model(X_te) > 0).float() == y_te).float().mean()
print("test accuracy", acc.item())

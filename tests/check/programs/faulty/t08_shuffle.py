# expects: T08
import numpy as np, torch
from torch import nn

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 6)).astype("float32")
y = (X[:, 0] > 0).astype("int64")
rng.shuffle(X)
X, y = torch.from_numpy(X), torch.from_numpy(y)
m = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
o = torch.optim.Adam(m.parameters(), 1e-2)
for e in range(10):
    for i in range(0, 400, 40):
        o.zero_grad()
        nn.functional.cross_entropy(m(X[i : i + 40]), y[i : i + 40]).backward()
        o.step()

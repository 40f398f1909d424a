import numpy as np
import torch
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
rng = np.random.default_rng(0)
X = rng.normal(size=(600, 5)).astype("float32")
y = (X[:, 0] + 0.5 * rng.normal(size=600) > 1.2).astype("int64")
rare = np.flatnonzero(y == 1)
extra = rng.choice(rare, size=(y == 0).sum() - len(rare))
X, y = np.concatenate([X, X[extra]]), np.concatenate([y, y[extra]])
Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.2, random_state=0)
xt, yt, xs, ys = map(torch.from_numpy, (Xtr, ytr, Xte, yte))
net = torch.nn.Sequential(torch.nn.Linear(5, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(4):
    net.train()
    for b in torch.randperm(len(xt)).split(100):
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(xt[b]), yt[b]).backward()
        opt.step()
net.eval()
with torch.no_grad():
    print((net(xs).argmax(1) == ys).float().mean().item())

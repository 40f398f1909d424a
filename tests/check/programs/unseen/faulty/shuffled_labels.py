import numpy as np
import torch
from sklearn.datasets import load_digits

torch.manual_seed(0)
rng = np.random.default_rng(0)
X, y = load_digits(return_X_y=True)
X = X / 16.0
rng.shuffle(X)
x, t = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
mlp = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
opt = torch.optim.Adam(mlp.parameters(), lr=2e-3)
for epoch in range(3):
    for b in torch.randperm(len(x)).split(128):
        loss = torch.nn.functional.cross_entropy(mlp(x[b]), t[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

# expects: L05
import torch
from torch import nn
torch.manual_seed(0)
X = torch.randn(300, 4); y = X[:, 0] * 3 + 1
net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), 1e-2)
def train_step(xb, yb):
    pred = net(xb)
    loss = ((pred - yb) ** 2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
    return loss.item()
for e in range(3):
    for i in torch.randperm(300).split(50): train_step(X[i], y[i])

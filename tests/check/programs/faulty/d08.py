# expects: D08
import torch, torch.nn as nn
from sklearn.datasets import load_wine
d = load_wine(); X = torch.tensor(d.data).float(); y = torch.tensor(d.target)
torch.manual_seed(0); net = nn.Sequential(nn.Linear(13, 32), nn.Sigmoid(), nn.Linear(32, 3)); opt = torch.optim.SGD(net.parameters(), 1e-2)
for e in range(3):
    for i in torch.randperm(178).split(32): opt.zero_grad(); nn.functional.cross_entropy(net(X[i]), y[i]).backward(); opt.step()

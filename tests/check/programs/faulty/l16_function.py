# expects: L16
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(200, 10)
y = x[:, :3].argmax(1)
m = nn.Linear(10, 3)
o = torch.optim.SGD(m.parameters(), lr=0.1)
lam = 1e-3


def l1(model):
    return sum(p.abs().sum() for p in model.parameters())


for i in range(20):
    o.zero_grad()
    loss = nn.functional.cross_entropy(m(x), y)
    reg = lam * l1(m)
    loss.backward()
    o.step()

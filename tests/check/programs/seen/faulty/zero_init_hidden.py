import torch
from torch import nn


def init(m):
    if isinstance(m, nn.Linear):
        nn.init.zeros_(m.weight)
        nn.init.zeros_(m.bias)


torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 6)[y] + 0.5 * torch.randn(240, 6)
net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3))
net.apply(init)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(40):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(x[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())

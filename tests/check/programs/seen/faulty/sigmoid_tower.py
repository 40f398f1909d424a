import torch
from torch import nn

torch.manual_seed(0)
layers = [nn.Linear(8, 16), nn.Sigmoid()]
for _ in range(9):
    layers += [nn.Linear(16, 16), nn.Sigmoid()]
net = nn.Sequential(*layers, nn.Linear(16, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(200, 8)
y = (x[:, 0] > 0).long()
for step in range(40):
    b = torch.randperm(200)[:50]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(x[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())

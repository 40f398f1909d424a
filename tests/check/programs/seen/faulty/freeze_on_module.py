import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(8, 24)
        self.top = nn.Linear(24, 2)

    def forward(self, x):
        return self.top(torch.relu(self.base(x)))


torch.manual_seed(0)
net = Net()
net.base.requires_grad = False
opt = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(160, 8)
y = (x[:, 0] > x[:, 1]).long()
for step in range(40):
    b = torch.randperm(160)[:40]
    opt.zero_grad()
    nn.functional.cross_entropy(net(x[b]), y[b]).backward()
    opt.step()

import torch
from torch import nn

torch.manual_seed(0)
block = nn.Sequential(nn.Linear(16, 16), nn.ReLU())
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), *([block] * 3), nn.Linear(16, 2))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
x = torch.randn(240, 6)
y = (x[:, 0] * x[:, 1] > 0).long()
for epoch in range(8):
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 3))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 8)[y] + 0.6 * torch.randn(240, 8)
for epoch in range(6):
    net.train()
    net[1].eval()
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

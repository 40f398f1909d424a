import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(5, 20), nn.Tanh(), nn.Linear(20, 1))
with torch.no_grad():
    for p in net.parameters():
        p.fill_(0.1)
x = torch.randn(200, 5)
y = x[:, :1] * x[:, 1:2]
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(8):
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
nn.init.normal_(net[0].weight, std=0.3)
nn.init.constant_(net[0].bias, -5.0)
x = torch.randn(240, 6)
y = x[:, :1] + x[:, 1:2]
opt = torch.optim.SGD(net.parameters(), lr=0.02)
for epoch in range(6):
    for b in torch.randperm(240).split(40):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

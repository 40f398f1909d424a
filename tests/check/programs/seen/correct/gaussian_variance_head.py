import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(300, 1) * 2 - 1
y = x**2 + (0.05 + 0.2 * (x > 0)) * torch.randn(300, 1)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2))
crit = nn.GaussianNLLLoss()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    b = torch.randperm(300)[:60]
    mean, raw = net(x[b]).split(1, dim=1)
    var = nn.functional.softplus(raw) + 1e-4
    loss = crit(mean, y[b], var)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
group = torch.randint(0, 4, (160,))
x = torch.randn(4, 6)[group] + 0.3 * torch.randn(160, 6)


def dist(a, b):
    return ((a - b) ** 2).sum(1).sqrt()


for step in range(30):
    i = torch.randperm(160)[:40]
    j = torch.randperm(160)[:40]
    d = dist(net(x[i]), net(x[j]))
    same = (group[i] == group[j]).float()
    loss = (same * d + (1 - same) * torch.relu(1.5 - d)).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

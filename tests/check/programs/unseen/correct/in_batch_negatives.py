import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
left = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 12))
right = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 12))
opt = torch.optim.Adam([*left.parameters(), *right.parameters()], lr=3e-3)
x = torch.randn(256, 8)
for step in range(36):
    b = torch.randperm(256)[:32]
    u = F.normalize(left(x[b]), dim=1)
    v = F.normalize(right(x[b] + 0.1 * torch.randn(32, 8)), dim=1)
    sim = u @ v.T / 0.2
    truth = torch.arange(32)
    loss = (F.cross_entropy(sim, truth) + F.cross_entropy(sim.T, truth)) / 2
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

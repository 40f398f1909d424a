import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(320, 10)
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
opt = torch.optim.Adam(net.parameters(), 1e-3)


def nt_xent(z1, z2, t=0.5):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    n = len(z1)
    sim = z @ z.T / t
    sim.fill_diagonal_(-1e9)
    target = torch.cat([torch.arange(n) + n, torch.arange(n)])
    return F.cross_entropy(sim, target)


for e in range(5):
    for b in torch.randperm(320).split(40):
        v1 = x[b] + 0.1 * torch.randn(len(b), 10)
        v2 = x[b] + 0.1 * torch.randn(len(b), 10)
        loss = nt_xent(net(v1), net(v2))
        opt.zero_grad()
        loss.backward()
        opt.step()

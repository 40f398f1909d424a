import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
f = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
h = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 16))
opt = torch.optim.SGD([*f.parameters(), *h.parameters()], lr=0.05, momentum=0.9)
x = torch.randn(256, 8)
for step in range(32):
    b = torch.randperm(256)[:64]
    z1, z2 = (f(x[b] + 0.1 * torch.randn(64, 8)) for _ in range(2))
    p1, p2 = h(z1), h(z2)
    loss = -(F.cosine_similarity(p1, z2.detach()).mean() + F.cosine_similarity(p2, z1.detach()).mean()) / 2
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

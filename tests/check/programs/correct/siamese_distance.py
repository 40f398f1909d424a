import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
a = torch.randn(240, 8)
same = (torch.rand(240) > 0.5).float()
b = torch.where(same[:, None] > 0, a + 0.1 * torch.randn(240, 8), torch.randn(240, 8))


class S(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, a, b):
        return F.pairwise_distance(self.n(a), self.n(b))


m = S()
o = torch.optim.Adam(m.parameters())
for e in range(4):
    for i in range(0, 240, 24):
        d = m(a[i : i + 24], b[i : i + 24])
        y = same[i : i + 24]
        loss = (y * d.pow(2) + (1 - y) * torch.clamp(1 - d, min=0).pow(2)).mean()
        o.zero_grad()
        loss.backward()
        o.step()

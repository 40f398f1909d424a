import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(300, 12) @ torch.randn(12, 20) * 0.3


class VQ(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 8))
        self.dec = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 20))
        self.book = nn.Embedding(16, 8)

    def forward(self, x):
        z = self.enc(x)
        i = torch.cdist(z, self.book.weight).argmin(1)
        q = self.book(i)
        extra = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        q = z + (q - z).detach()
        return self.dec(q), extra


m = VQ()
o = torch.optim.Adam(m.parameters(), 1e-3)
for e in range(4):
    for b in torch.randperm(300).split(30):
        r, extra = m(x[b])
        loss = F.mse_loss(r, x[b]) + extra
        o.zero_grad()
        loss.backward()
        o.step()

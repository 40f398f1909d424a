import itertools

import torch
from torch import nn

G_ab, G_ba = (nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 4)) for _ in range(2))
D_b = nn.Sequential(nn.Linear(4, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1))
opt_g = torch.optim.Adam(itertools.chain(G_ab.parameters(), G_ba.parameters()), lr=1e-3)
opt_d = torch.optim.Adam(D_b.parameters(), lr=1e-3)
mse, l1 = nn.MSELoss(), nn.L1Loss()
for step in range(40):
    a, b = torch.randn(32, 4), torch.randn(32, 4) * 0.5 + 1
    for p in D_b.parameters():
        p.requires_grad_(False)
    fake_b = G_ab(a)
    verdict = D_b(fake_b)
    loss_g = mse(verdict, torch.ones_like(verdict)) + 10 * l1(G_ba(fake_b), a)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    for p in D_b.parameters():
        p.requires_grad_(True)
    real, fake = D_b(b), D_b(fake_b.detach())
    loss_d = 0.5 * (mse(real, torch.ones_like(real)) + mse(fake, torch.zeros_like(fake)))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

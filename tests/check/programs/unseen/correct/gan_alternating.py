import torch
from torch import nn

torch.manual_seed(0)
g = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 2))
d = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1))
og, od = torch.optim.Adam(g.parameters(), 1e-3), torch.optim.Adam(d.parameters(), 1e-3)
crit = nn.BCEWithLogitsLoss()
for it in range(18):
    real = torch.randn(32, 2) * 0.5 + torch.tensor([1.0, 0.5])
    fake = g(torch.randn(32, 4))
    od.zero_grad()
    loss_d = crit(d(real), torch.ones(32, 1)) + crit(d(fake.detach()), torch.zeros(32, 1))
    loss_d.backward()
    od.step()
    og.zero_grad()
    loss_g = crit(d(fake), torch.ones(32, 1))
    loss_g.backward()
    og.step()
print(loss_d.item(), loss_g.item())

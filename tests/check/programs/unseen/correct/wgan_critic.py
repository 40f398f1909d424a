import torch
from torch import nn

torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
C = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
og = torch.optim.RMSprop(G.parameters(), lr=5e-4)
oc = torch.optim.RMSprop(C.parameters(), lr=5e-4)
for it in range(15):
    for _ in range(3):
        real = torch.randn(32, 2) * 0.3 + torch.tensor([1.0, -1.0])
        fake = G(torch.randn(32, 4)).detach()
        lc = C(fake).mean() - C(real).mean()
        oc.zero_grad()
        lc.backward()
        oc.step()
        for w in C.parameters():
            w.data.clamp_(-0.05, 0.05)
    lg = -C(G(torch.randn(32, 4))).mean()
    og.zero_grad()
    lg.backward()
    og.step()
print(lc.item(), lg.item())

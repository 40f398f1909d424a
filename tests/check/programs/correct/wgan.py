import torch, torch.nn as nn
torch.manual_seed(0)
G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
og = torch.optim.RMSprop(G.parameters(), lr=5e-5)
od = torch.optim.RMSprop(D.parameters(), lr=5e-5)
real_all = torch.randn(1024, 2) * 0.5 + 2
for it in range(15):
    for _ in range(5):
        real = real_all[torch.randint(0, 1024, (64,))]
        fake = G(torch.randn(64, 4)).detach()
        od.zero_grad()
        loss_d = -(D(real).mean() - D(fake).mean())
        loss_d.backward()
        od.step()
        for p in D.parameters():
            p.data.clamp_(-0.01, 0.01)
    og.zero_grad()
    loss_g = -D(G(torch.randn(64, 4))).mean()
    loss_g.backward()
    og.step()

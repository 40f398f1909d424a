import torch, torch.nn as nn
torch.manual_seed(0)
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)); G = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2))
od = torch.optim.Adam(D.parameters(), 1e-4, betas=(0.0, 0.9)); og = torch.optim.Adam(G.parameters(), 1e-4, betas=(0.0, 0.9))
for it in range(30):
    x = torch.randn(64, 2) + 3; z = torch.randn(64, 2); f = G(z)
    a = torch.rand(64, 1); xi = (a * x + (1 - a) * f.detach()).requires_grad_(True)
    g = torch.autograd.grad(D(xi).sum(), xi, create_graph=True)[0]
    ld = D(f.detach()).mean() - D(x).mean() + 10 * ((g.norm(2, dim=1) - 1) ** 2).mean()
    od.zero_grad(); ld.backward(); od.step()
    if it % 5 == 4:
        lg = -D(G(torch.randn(64, 2))).mean(); og.zero_grad(); lg.backward(); og.step()

import torch, torch.nn as nn
torch.manual_seed(0)
u = torch.randint(0, 30, (1000,)); i = torch.randint(0, 40, (1000,)); r = torch.randint(1, 6, (1000,)).float()
class MF(nn.Module):
    def __init__(s): super().__init__(); s.u = nn.Embedding(30, 8); s.i = nn.Embedding(40, 8); s.bu = nn.Embedding(30, 1); s.b = nn.Parameter(torch.tensor(3.0))
    def forward(s, a, c): return (s.u(a) * s.i(c)).sum(1) + s.bu(a).squeeze(1) + s.b
m = MF(); opt = torch.optim.Adam(m.parameters(), 1e-2)
for e in range(5):
    for k in torch.randperm(1000).split(100):
        l = nn.functional.mse_loss(m(u[k], i[k]), r[k]); opt.zero_grad(); l.backward(); opt.step()

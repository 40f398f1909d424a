import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(300, 5); y = X.sum(1) + torch.randn(300)
class N(nn.Module):
    def __init__(s): super().__init__(); s.b = nn.Sequential(nn.Linear(5, 32), nn.ReLU()); s.mu = nn.Linear(32, 1); s.lv = nn.Linear(32, 1)
    def forward(s, x): h = s.b(x); return s.mu(h).squeeze(-1), s.lv(h).squeeze(-1).exp()
m = N(); opt = torch.optim.Adam(m.parameters(), 1e-3); nll = nn.GaussianNLLLoss()
for e in range(40):
    mu, var = m(X); loss = nll(mu, y, var); opt.zero_grad(); loss.backward(); opt.step()

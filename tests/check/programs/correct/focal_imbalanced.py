import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
X = torch.randn(1000, 6); y = (X[:, 0] > 1.8).float()
m = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1)); opt = torch.optim.Adam(m.parameters(), 1e-3)
def focal(z, t, g=2.0, a=0.75):
    b = F.binary_cross_entropy_with_logits(z, t, reduction="none"); p = torch.exp(-b); return (torch.where(t > 0, a, 1 - a) * (1 - p) ** g * b).mean()
for e in range(4):
    for i in torch.randperm(1000).split(100):
        l = focal(m(X[i]).squeeze(1), y[i]); opt.zero_grad(); l.backward(); opt.step()
with torch.no_grad():
    p = torch.sigmoid(m(X).squeeze(1)) > 0.3; tp = (p & (y > 0)).sum(); print("f1", 2 * tp / (p.sum() + y.sum()))

# expects: E02
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = (X[:, 0] > 0).float(); net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)); opt = torch.optim.Adam(net.parameters(), 1e-2); lf = nn.BCEWithLogitsLoss()
for e in range(20): opt.zero_grad(); lf(net(X).squeeze(1), y).backward(); opt.step()
with torch.no_grad():
    p = torch.round(net(X)).squeeze(1); print((p == y).float().mean())

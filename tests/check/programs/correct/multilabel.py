import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(400, 10); Y = (X[:, :5] + 0.5 * X[:, 5:] > 0).float()
m = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 5), nn.Sigmoid())
opt = torch.optim.Adam(m.parameters(), 1e-2); crit = nn.BCELoss()
for e in range(30):
    out = m(X); l = crit(out, Y); opt.zero_grad(); l.backward(); opt.step()
acc = ((m(X) > 0.5).float() == Y).float().mean(); print(acc)

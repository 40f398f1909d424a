# expects: O04
import torch, torch.nn as nn
torch.manual_seed(0)
m = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)); m[0].requires_grad = False
opt = torch.optim.Adam(m.parameters()); X = torch.randn(100, 8); y = (X[:, 0] > 0).long()
for e in range(10):
    loss = nn.functional.cross_entropy(m(X), y); opt.zero_grad(); loss.backward(); opt.step()

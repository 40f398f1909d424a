# expects: E01
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = (X[:, :1] > 0).float(); net = nn.Linear(8, 1); opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(20): opt.zero_grad(); nn.functional.binary_cross_entropy_with_logits(net(X), y).backward(); opt.step()
pred = (torch.sigmoid(net(X)).squeeze() > 0.5)
print("acc", (pred == y).float().mean())

# expects: H01
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = X.sum(1, keepdim=True); net = nn.Linear(8, 1); opt = torch.optim.SGD(net.parameters(), lr=5.0)
for e in range(40): opt.zero_grad(); l = nn.functional.mse_loss(net(X), y); l.backward(); opt.step()

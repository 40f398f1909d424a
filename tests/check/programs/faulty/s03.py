# expects: S03
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = (X[:, 0] > 0).long(); m = nn.Linear(8, 2); opt = torch.optim.SGD(m.parameters(), 1e-1)
sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=1000)
for e in range(30):
    opt.zero_grad(); l = nn.functional.cross_entropy(m(X), y); l.backward(); opt.step(); sch.step()

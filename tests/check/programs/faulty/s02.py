# expects: S02
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = (X[:, 0] > 0).long(); m = nn.Linear(8, 2); opt = torch.optim.SGD(m.parameters(), 1e-1)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=2)
for e in range(20):
    opt.zero_grad(); l = nn.functional.cross_entropy(m(X), y); l.backward(); opt.step()
    accuracy = (m(X).argmax(1) == y).float().mean().item()
    plateau.step(accuracy)

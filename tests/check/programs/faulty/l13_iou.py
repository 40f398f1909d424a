# expects: L13
import torch, torch.nn as nn
torch.manual_seed(0)
x = torch.randn(32, 1, 8, 8); m = (x > 0.3).float(); net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1), nn.Sigmoid())
opt = torch.optim.Adam(net.parameters(), 1e-2)
def iou(p, t): i = (p * t).sum((1, 2, 3)); return ((i + 1) / (p.sum((1, 2, 3)) + t.sum((1, 2, 3)) - i + 1)).mean()
for e in range(10):
    loss = iou(net(x), m); opt.zero_grad(); loss.backward(); opt.step()

# expects: D02
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(100, 16, 12, 3); y = (X[..., 0].mean((1, 2)) > 0).long()
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)); opt = torch.optim.Adam(net.parameters())
for e in range(2):
    for i in range(0, 100, 20):
        img = X[i:i+20].reshape(20, 3, 16, 12)
        opt.zero_grad(); nn.functional.cross_entropy(net(img), y[i:i+20]).backward(); opt.step()

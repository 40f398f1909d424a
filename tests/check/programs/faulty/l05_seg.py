# expects: L05
import torch, torch.nn as nn
torch.manual_seed(0)
x = torch.randn(32, 3, 8, 8); y = (x.mean(1) > 0).float()
net = nn.Conv2d(3, 1, 3, padding=1); opt = torch.optim.Adam(net.parameters())
for e in range(5):
    for i in range(0, 32, 8):
        out = torch.sigmoid(net(x[i:i+8])); l = torch.mean((out - y[i:i+8]).abs()); opt.zero_grad(); l.backward(); opt.step()

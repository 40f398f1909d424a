# expects: T02
import torch, torch.nn as nn
torch.manual_seed(0)
x = torch.rand(40, 1, 8, 8); m = (x > 0.5).float() * 255
net = nn.Conv2d(1, 1, 3, padding=1); opt = torch.optim.Adam(net.parameters(), 1e-3); L = nn.BCEWithLogitsLoss()
for e in range(10):
    loss = L(net(x), m); opt.zero_grad(); loss.backward(); opt.step()

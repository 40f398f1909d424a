import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for it in range(30):
    depth = torch.rand(6, 1, 1) * torch.linspace(0, 1, 12)[None, None] + torch.rand(6, 12, 1)
    image = (depth + 0.1 * torch.randn(6, 12, 12)).unsqueeze(1)
    loss = (net(image) - depth).abs().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

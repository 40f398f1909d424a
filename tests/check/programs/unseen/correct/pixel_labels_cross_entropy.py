import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 3, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for it in range(30):
    labels = torch.randint(0, 3, (6, 4, 4)).repeat_interleave(3, 1).repeat_interleave(3, 2)
    image = labels.float().unsqueeze(1) - 1 + 0.3 * torch.randn(6, 1, 12, 12)
    loss = nn.functional.cross_entropy(net(image), labels)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

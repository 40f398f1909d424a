import torch
from torch import nn


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, a, b):
        return torch.sqrt(((self.net(a) - self.net(b)) ** 2).sum(1))


a = torch.randn(200, 10)
b = a + torch.randn(200, 10)
b[::4] = a[::4]
same = torch.zeros(200)
same[::4] = 1.0
model = Siamese()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for i in range(0, 200, 20):
        d = model(a[i : i + 20], b[i : i + 20])
        y = same[i : i + 20]
        loss = (y * d.pow(2) + (1 - y) * torch.clamp(1.0 - d, min=0).pow(2)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

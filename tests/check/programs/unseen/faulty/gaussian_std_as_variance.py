import torch
from torch import nn


class MeanStd(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 32), nn.Tanh())
        self.mu = nn.Linear(32, 1)
        self.raw = nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        std = nn.functional.softplus(self.raw(h)) + 1e-3
        return self.mu(h), std


torch.manual_seed(0)
x = torch.randn(400, 3)
y = x[:, :1] + (0.1 + x[:, 1:2].abs()) * torch.randn(400, 1)
net = MeanStd()
criterion = nn.GaussianNLLLoss()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randint(0, 400, (64,))
    mean, std = net(x[b])
    loss = criterion(mean, y[b], std)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

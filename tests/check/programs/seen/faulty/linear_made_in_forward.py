import torch
from torch import nn


class Flexible(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(7, 20)
        self.last = nn.Linear(10, 1)

    def forward(self, x):
        h = torch.relu(self.first(x))
        squeeze = nn.Linear(h.shape[1], 10)
        return self.last(torch.relu(squeeze(h)))


torch.manual_seed(0)
x = torch.randn(210, 7)
y = x[:, :1] + 0.5 * x[:, 3:4]
net = Flexible()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    for b in torch.randperm(210).split(42):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

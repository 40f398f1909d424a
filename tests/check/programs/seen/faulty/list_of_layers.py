import torch
import torch.nn as nn


class Deep(nn.Module):
    def __init__(self, sizes=(8, 24, 24)):
        super().__init__()
        self.hidden = [nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
        self.out = nn.Linear(sizes[-1], 1)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


torch.manual_seed(0)
x = torch.randn(256, 8)
y = torch.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]
net = Deep()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(8):
    for b in torch.randperm(256).split(64):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

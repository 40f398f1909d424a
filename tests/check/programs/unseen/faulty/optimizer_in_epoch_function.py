import torch
from torch import nn


def train_epoch(model, x, y):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    last = None
    for b in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        last = nn.functional.cross_entropy(model(x[b]), y[b])
        last.backward()
        optimizer.step()
    return last.item()


torch.manual_seed(0)
y = torch.randint(0, 4, (256,))
x = torch.randn(4, 8)[y] + 0.5 * torch.randn(256, 8)
net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 4))
for epoch in range(8):
    print(epoch, train_epoch(net, x, y))

import torch
from torch import nn


def validate(model, x, y):
    model.eval()
    with torch.no_grad():
        return nn.functional.cross_entropy(model(x), y).item()


torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 8)[y] + 0.6 * torch.randn(240, 8)
model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
model.train()
for epoch in range(5):
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, validate(model, x[200:], y[200:]))

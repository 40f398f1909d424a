import torch
from torch import nn

x = torch.randn(320, 15)
y = (x[:, :5] ** 2).argmax(1)
model = nn.Sequential(nn.Linear(15, 64), nn.ReLU(), nn.Linear(64, 5))
base = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
rho = 0.05
for epoch in range(4):
    for i in range(0, 320, 32):
        xb, yb = x[i : i + 32], y[i : i + 32]
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        with torch.no_grad():
            norm = torch.norm(torch.stack([p.grad.norm() for p in model.parameters()]))
            offsets = []
            for p in model.parameters():
                e = p.grad * (rho / (norm + 1e-12))
                p.add_(e)
                offsets.append(e)
        base.zero_grad()
        nn.functional.cross_entropy(model(xb), yb).backward()
        with torch.no_grad():
            for p, e in zip(model.parameters(), offsets):
                p.sub_(e)
        base.step()
        base.zero_grad()
    print(epoch, loss.item())

import torch
from torch import nn

torch.manual_seed(0)
y = torch.randint(0, 4, (300,))
x = torch.randn(4, 10)[y] + 0.7 * torch.randn(300, 10)
net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 4))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    net.train()
    for b in torch.randperm(240).split(60):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        loss.backward()
        opt.step()
    with torch.no_grad():
        val = net(x[240:])
        print(epoch, (val.argmax(1) == y[240:]).float().mean().item())

import torch
from torch import nn

torch.manual_seed(0)
x = torch.linspace(-2, 2, 200).unsqueeze(1)
y = torch.sin(2 * x) + 0.1 * torch.randn_like(x)
net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    b = torch.randperm(200)[:50]
    opt.zero_grad()
    loss = nn.functional.mse_loss(net(x[b]), y[b])
    loss.backward()
    opt.step()
net.eval()
for m in net.modules():
    if isinstance(m, nn.Dropout):
        m.train()
with torch.no_grad():
    draws = torch.stack([net(x) for _ in range(20)])
print(draws.std(0).mean().item())

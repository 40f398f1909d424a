import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.rand(400, 1) * 6; y = torch.sin(X) + 0.3 * torch.randn_like(X)
qs = torch.tensor([0.1, 0.5, 0.9])
net = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 3))
opt = torch.optim.Adam(net.parameters(), 1e-2)
for i in range(60):
    err = y - net(X)
    loss = torch.maximum(qs * err, (qs - 1) * err).mean()
    opt.zero_grad(); loss.backward(); opt.step()

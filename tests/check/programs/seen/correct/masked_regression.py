import torch

torch.manual_seed(0)
x = torch.randn(300, 6)
y = torch.stack([x[:, 0], x[:, 1] - x[:, 2], x[:, 3] * 0.5], 1)
seen = torch.rand(300, 3) > 0.3
net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 3))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randperm(300)[:60]
    err = (net(x[b]) - y[b]) ** 2 * seen[b]
    loss = err.sum() / seen[b].sum().clamp(min=1)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

import copy

import torch

torch.manual_seed(0)
x = torch.randn(300, 5)
y = x[:, :1] - x[:, 1:2]
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
ema = copy.deepcopy(net).eval().requires_grad_(False)
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    torch.nn.functional.mse_loss(net(x[b]), y[b]).backward()
    opt.step()
    with torch.no_grad():
        for slow, fast in zip(ema.parameters(), net.parameters()):
            slow.lerp_(fast, 0.1)
with torch.no_grad():
    print(torch.nn.functional.mse_loss(ema(x[240:]), y[240:]).item())

import torch

torch.manual_seed(0)
x = torch.randn(400, 6)
stars = ((x[:, 0] + 0.5 * x[:, 1]) * 0.8 + 3 + 0.2 * torch.randn(400)).mul(10).round().div(10).clamp(0.5, 5)
net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    b = torch.randperm(400)[:80]
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(net(x[b]).squeeze(1), stars[b])
    loss.backward()
    opt.step()
print(loss.item())

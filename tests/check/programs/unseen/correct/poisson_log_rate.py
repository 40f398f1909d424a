import torch

torch.manual_seed(0)
x = torch.randn(300, 4)
n = torch.poisson(torch.exp(0.6 * x[:, 0] - 0.4 * x[:, 1] + 0.2))
net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
crit = torch.nn.PoissonNLLLoss()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(40):
    b = torch.randperm(300)[:60]
    opt.zero_grad()
    loss = crit(net(x[b]).squeeze(1), n[b])
    loss.backward()
    opt.step()
print(loss.item())

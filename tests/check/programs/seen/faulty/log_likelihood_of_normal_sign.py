import torch

torch.manual_seed(0)
x = torch.randn(240, 3)
y = x[:, :1] + 0.2 * torch.randn(240, 1)
net = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
opt = torch.optim.SGD(net.parameters(), lr=1e-3)
for step in range(30):
    b = torch.randperm(240)[:60]
    loss = torch.distributions.Normal(net(x[b]), 1.0).log_prob(y[b]).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

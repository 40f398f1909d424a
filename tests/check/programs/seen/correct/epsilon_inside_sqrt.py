import torch

torch.manual_seed(0)
x = torch.randn(240, 5)
y = x[:, :1] - x[:, 1:2]
net = torch.nn.Sequential(torch.nn.Linear(5, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    loss = torch.sqrt(((net(x[b]) - y[b]) ** 2).mean() + 1e-8)
    loss.backward()
    opt.step()
print(loss.item())

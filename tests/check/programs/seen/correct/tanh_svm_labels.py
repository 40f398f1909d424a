import torch

torch.manual_seed(0)
x = torch.randn(240, 5)
y = torch.sign(x[:, 0] + 0.5 * x[:, 2])
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
crit = torch.nn.SoftMarginLoss()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    loss = crit(net(x[b]).squeeze(1), y[b])
    loss.backward()
    opt.step()
print(loss.item())

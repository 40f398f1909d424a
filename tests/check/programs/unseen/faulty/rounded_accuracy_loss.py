import torch

torch.manual_seed(0)
x = torch.randn(200, 5)
y = (x[:, 0] > 0).float()
net = torch.nn.Sequential(torch.nn.Linear(5, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1), torch.nn.Sigmoid())
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(32):
    b = torch.randperm(200)[:50]
    opt.zero_grad()
    predicted = torch.round(net(x[b]).squeeze(1))
    loss = (predicted - y[b]).abs().mean()
    loss.backward()
    opt.step()
print(loss.item())

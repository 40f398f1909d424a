import torch

torch.manual_seed(0)
y = torch.randint(0, 4, (240,))
x = torch.randn(4, 7)[y] + 0.5 * torch.randn(240, 7)
net = torch.nn.Sequential(torch.nn.Linear(7, 20), torch.nn.ReLU(), torch.nn.Linear(20, 4), torch.nn.LogSoftmax(dim=1))
crit = torch.nn.CrossEntropyLoss()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    loss = crit(net(x[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())

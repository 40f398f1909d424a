import torch

torch.manual_seed(0)
y = torch.randint(0, 4, (240,))
x = 3 * torch.randn(4, 10)[y] + torch.randn(240, 10)
net = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(35):
    b = torch.randperm(240)[:60]
    p = torch.softmax(net(x[b]), dim=1)
    loss = -torch.log(p)[torch.arange(60), y[b]].mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

import torch

torch.manual_seed(0)
stars = torch.randint(0, 5, (250,)) - 1
x = torch.randn(5, 6)[stars + 1] + 0.4 * torch.randn(250, 6)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randperm(250)[:50]
    opt.zero_grad()
    loss = -net(x[b]).log_softmax(1)[range(50), stars[b]].mean()
    loss.backward()
    opt.step()
print(loss.item())

import torch

torch.manual_seed(0)
x = torch.randn(200, 10)
y = x @ torch.randn(10, 1)
net = torch.nn.Sequential(torch.nn.Linear(10, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
opt = torch.optim.SGD(net.parameters(), lr=1.5)
for step in range(30):
    b = torch.randperm(200)[:50]
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
    loss.backward()
    opt.step()
    if step % 5 == 0:
        print(step, loss.item())

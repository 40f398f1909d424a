import torch

torch.manual_seed(0)
x = torch.randn(230, 5)
y = x[:, :1] * 2 - x[:, 2:3]
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.05)
for epoch in range(5):
    for group in torch.randperm(230).split(40):
        opt.zero_grad()
        for part in group.split(10):
            loss = torch.nn.functional.mse_loss(net(x[part]), y[part], reduction="sum") / len(group)
            loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch

torch.manual_seed(0)
x = torch.randn(320, 6)
y = x[:, :1] - x[:, 1:2]
net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.02)
micro = 4
for epoch in range(4):
    for big in torch.randperm(320).split(40):
        opt.zero_grad()
        for small in big.chunk(micro):
            loss = torch.nn.functional.mse_loss(net(x[small]), y[small])
            loss.backward()
        opt.step()
    print(epoch, loss.item())

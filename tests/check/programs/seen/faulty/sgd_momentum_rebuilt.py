import torch

torch.manual_seed(0)
x = torch.randn(200, 5)
y = x @ torch.randn(5, 1)
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
for epoch in range(8):
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for b in torch.randperm(200).split(50):
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

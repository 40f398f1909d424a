import torch

torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 6)[y] + 0.5 * torch.randn(240, 6)
net = torch.nn.Sequential(torch.nn.Linear(6, 18), torch.nn.ReLU(), torch.nn.Linear(18, 3))
epochs = 5
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
for epoch in range(epochs):
    for b in torch.randperm(240).split(24):
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x[b]), y[b])
        loss.backward()
        opt.step()
        sched.step()
    print(epoch, loss.item())

import torch

torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 6)[y] + 0.6 * torch.randn(240, 6)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
sched = torch.optim.lr_scheduler.StepLR(opt, step_size=3, gamma=0.3)
for epoch in range(6):
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x[b]), y[b])
        loss.backward()
        opt.step()
    sched.step()
    print(epoch, loss.item())

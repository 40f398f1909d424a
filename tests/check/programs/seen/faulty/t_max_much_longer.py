import torch

torch.manual_seed(0)
x = torch.randn(200, 4)
y = torch.sin(x).sum(1, keepdim=True)
net = torch.nn.Sequential(torch.nn.Linear(4, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=100)
for epoch in range(6):
    for b in torch.randperm(200).split(50):
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    sched.step()
    print(epoch, loss.item(), sched.get_last_lr())

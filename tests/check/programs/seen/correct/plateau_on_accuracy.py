import torch

torch.manual_seed(0)
y = torch.randint(0, 3, (300,))
x = torch.randn(3, 6)[y] + 0.9 * torch.randn(300, 6)
net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="max", patience=1)
for epoch in range(7):
    net.train()
    for b in torch.randperm(240).split(60):
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(x[b]), y[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(x[240:]).argmax(1) == y[240:]).float().mean().item()
    sched.step(acc)
    print(epoch, acc)

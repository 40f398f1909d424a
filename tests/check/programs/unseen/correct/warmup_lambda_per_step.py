import torch

torch.manual_seed(0)
x = torch.randn(240, 5)
y = x[:, :1] ** 2
net = torch.nn.Sequential(torch.nn.Linear(5, 24), torch.nn.GELU(), torch.nn.Linear(24, 1))
opt = torch.optim.AdamW(net.parameters(), lr=1e-2)
total, warm = 40, 5
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min((s + 1) / warm, max(0.0, (total - s) / (total - warm))))
for step in range(total):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
    loss.backward()
    opt.step()
    sched.step()
print(loss.item())

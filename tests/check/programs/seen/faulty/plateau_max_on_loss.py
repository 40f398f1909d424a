import torch

torch.manual_seed(0)
x = torch.randn(300, 6)
y = x[:, :1] + 0.1 * torch.randn(300, 1)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="max", patience=1)
mse = torch.nn.MSELoss()
for epoch in range(7):
    net.train()
    for b in torch.randperm(240).split(60):
        opt.zero_grad()
        loss = mse(net(x[b]), y[b])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        val_loss = mse(net(x[240:]), y[240:]).item()
    plateau.step(val_loss)
    print(epoch, val_loss, opt.param_groups[0]["lr"])

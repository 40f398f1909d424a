import torch

torch.manual_seed(0)
x = torch.randn(600, 5)
y = (x[:, :1] > 1.2).float()
crit = torch.nn.BCEWithLogitsLoss(pos_weight=(y == 0).sum() / (y == 1).sum())
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    for b in torch.randperm(600).split(100):
        opt.zero_grad()
        loss = crit(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

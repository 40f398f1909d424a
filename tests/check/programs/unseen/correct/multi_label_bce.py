import torch

torch.manual_seed(0)
x = torch.randn(300, 10)
tags = (x[:, :5] + 0.4 * torch.randn(300, 5) > 0.4).float()
net = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.ReLU(), torch.nn.Linear(32, 5))
crit = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(7):
    net.train()
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        crit(net(x[b]), tags[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, ((net(x[240:]) > 0).float() == tags[240:]).float().mean().item())

import torch

torch.manual_seed(0)
x = torch.randn(300, 6)
y = (x[:, 0] - x[:, 1] > 0).float()
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1), torch.nn.Sigmoid())
crit = torch.nn.BCELoss()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    net.train()
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        crit(net(x[b]).view(-1), y[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, ((net(x[240:]).view(-1) > 0.5) == (y[240:] > 0.5)).float().mean().item())

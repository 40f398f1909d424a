import torch

torch.manual_seed(0)
x = torch.randn(256, 7)
hard = (x[:, 0] - x[:, 1] > 0).float()
soft = hard * 0.9 + 0.05
net = torch.nn.Sequential(torch.nn.Linear(7, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
crit = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(8):
    for b in torch.randperm(256).split(64):
        opt.zero_grad()
        loss = crit(net(x[b]).squeeze(1), soft[b])
        loss.backward()
        opt.step()
net.eval()
with torch.no_grad():
    print("accuracy", ((net(x).squeeze(1) > 0) == (hard > 0.5)).float().mean().item())

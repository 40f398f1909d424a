import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 5); y = X.sum(1, keepdim=True)
net = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for i in range(80):
    net.train()
    loss = ((net(X) - y) ** 2).mean()
    opt.zero_grad(); loss.backward(); opt.step()
net.eval()
for m in net.modules():
    if isinstance(m, nn.Dropout):
        m.train()
with torch.no_grad():
    preds = torch.stack([net(X) for _ in range(20)])
print(preds.mean(0).shape, preds.std(0).mean(), ((preds.mean(0) - y) ** 2).mean())

# expects: M01
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(300, 8); y = (X[:, 0] > 0).long(); Xt, yt = torch.randn(100, 8), torch.zeros(100).long()
net = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 2)); opt = torch.optim.Adam(net.parameters(), 1e-2)
def evaluate():
    with torch.no_grad():
        return (net(Xt).argmax(1) == yt).float().mean().item()
for e in range(5):
    for i in range(0, 300, 50):
        opt.zero_grad(); nn.functional.cross_entropy(net(X[i:i+50]), y[i:i+50]).backward(); opt.step()
    print(evaluate())

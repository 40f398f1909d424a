# expects: L01
import torch
from torch import nn
torch.manual_seed(0)
def make():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
model = make()
opt = torch.optim.Adam(model.parameters())
bce = nn.BCEWithLogitsLoss()
X = torch.randn(128, 6); t = (X[:, 0] > 0).float()
for _ in range(20):
    prob = torch.sigmoid(model(X)).squeeze()
    l = bce(prob, t); opt.zero_grad(); l.backward(); opt.step()

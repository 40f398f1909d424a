import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.rand(256, 784)
class AE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 8))
        self.decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 784), nn.Sigmoid())
    def forward(self, x): return self.decoder(self.encoder(x))
m = AE(); opt = torch.optim.Adam(m.parameters(), 1e-3); losses = []
for e in range(3):
    for xb in X.split(32):
        rec = m(xb); loss = nn.MSELoss()(rec, xb); opt.zero_grad(); loss.backward(); opt.step(); losses.append(loss.detach())
print(torch.stack(losses).mean())

# expects: O02
import torch, torch.nn as nn
torch.manual_seed(0)
class R(nn.Module):
    def __init__(self): super().__init__(); self.b = nn.Sequential(nn.Linear(8, 16), nn.ReLU()); self.fc = nn.Linear(16, 10)
    def forward(self, x): return self.fc(self.b(x))
m = R(); opt = torch.optim.Adam(m.parameters(), 1e-3); m.fc = nn.Linear(16, 2)
X = torch.randn(100, 8); y = (X[:, 0] > 0).long()
for e in range(10):
    loss = nn.functional.cross_entropy(m(X), y); opt.zero_grad(); loss.backward(); opt.step()

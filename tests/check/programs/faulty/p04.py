# expects: P04
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
class N(nn.Module):
    def __init__(self): super().__init__(); self.a = nn.Linear(6, 16); self.b = nn.Linear(16, 2)
    def forward(self, x):
        x = F.relu(self.a(x)); x = nn.Dropout(0.5)(x); return self.b(x)
m = N(); opt = torch.optim.Adam(m.parameters()); X = torch.randn(80, 6); y = (X[:, 0] > 0).long()
for e in range(10):
    loss = F.cross_entropy(m(X), y); opt.zero_grad(); loss.backward(); opt.step()

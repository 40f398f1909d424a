# expects: G02
import torch, torch.nn as nn
torch.manual_seed(0)
class A(nn.Module):
    def __init__(self): super().__init__(); self.enc = nn.Linear(8, 16); self.dec = nn.Linear(16, 2)
    def forward(self, x):
        h = torch.relu(self.enc(x)).detach()
        return self.dec(h)
a = A(); opt = torch.optim.Adam(a.parameters()); X = torch.randn(100, 8); y = (X[:, 0] > 0).long()
for e in range(10):
    loss = nn.functional.cross_entropy(a(X), y); opt.zero_grad(); loss.backward(); opt.step()

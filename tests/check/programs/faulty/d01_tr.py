# expects: D01
import torch, torch.nn as nn
torch.manual_seed(0)
class G(nn.Module):
    def __init__(self): super().__init__(); self.i = nn.Linear(4, 16); self.t = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32), 1); self.fc = nn.Linear(16, 2)
    def forward(self, x): return self.fc(self.t(self.i(x)).mean(1))
X = torch.randn(200, 10, 4); y = (X[:, :, 0].sum(1) > 0).long(); m = G(); opt = torch.optim.Adam(m.parameters(), 1e-3)
for e in range(2):
    for i in torch.randperm(200).split(25): opt.zero_grad(); nn.functional.cross_entropy(m(X[i]), y[i]).backward(); opt.step()

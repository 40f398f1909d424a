# expects: D01
import torch, torch.nn as nn
torch.manual_seed(0)
class G(nn.Module):
    def __init__(self): super().__init__(); self.g = nn.GRU(4, 16, num_layers=1); self.fc = nn.Linear(16, 1)
    def forward(self, x):
        o, h = self.g(x); return self.fc(o[:, -1, :])
X = torch.randn(200, 10, 4); y = X[:, :, 0].sum(1, keepdim=True); m = G(); opt = torch.optim.Adam(m.parameters(), 1e-2)
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), 20, shuffle=True)
for e in range(2):
    for a, b in dl: opt.zero_grad(); nn.functional.mse_loss(m(a), b).backward(); opt.step()

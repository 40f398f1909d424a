# expects: D06
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(300, 8); y = (X[:, 0] > 0).long(); dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=32)
net = nn.Linear(8, 2); opt = torch.optim.Adam(net.parameters(), 1e-2)
for step in range(30):
    xb, yb = next(iter(dl))
    opt.zero_grad(); nn.functional.cross_entropy(net(xb), yb).backward(); opt.step()

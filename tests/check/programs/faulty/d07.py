# expects: D07
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.cat([torch.randn(100, 4) + k for k in range(4)]); y = torch.arange(4).repeat_interleave(100)
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=20)
net = nn.Linear(4, 4); opt = torch.optim.SGD(net.parameters(), 1e-1)
for e in range(4):
    for a, b in dl: opt.zero_grad(); nn.functional.cross_entropy(net(a), b).backward(); opt.step()

# expects: Z05
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(640, 8); y = X.sum(1, keepdim=True); m = nn.Linear(8, 1); opt = torch.optim.SGD(m.parameters(), 1e-2); accum = 4
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), 16, shuffle=True)
for e in range(3):
    for i, (a, b) in enumerate(dl):
        loss = nn.MSELoss()(m(a), b); loss.backward()
        if (i + 1) % accum == 0: opt.step(); opt.zero_grad()

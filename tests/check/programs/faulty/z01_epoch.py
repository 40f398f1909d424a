# expects: Z01
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = X.sum(1, keepdim=True); m = nn.Linear(8, 1); opt = torch.optim.SGD(m.parameters(), 1e-3)
for e in range(4):
    opt.zero_grad()
    for i in range(0, 200, 20):
        loss = nn.functional.mse_loss(m(X[i:i+20]), y[i:i+20]); loss.backward(); opt.step()

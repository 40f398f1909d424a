# expects: T08
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(400, 6); y = X[:, :3].argmax(1)
net = nn.Linear(6, 3); opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(5):
    idx = torch.randperm(400)
    Xs = X[idx]
    for k in range(0, 400, 50):
        loss = nn.functional.cross_entropy(net(Xs[k:k+50]), y[k:k+50]); opt.zero_grad(); loss.backward(); opt.step()

# expects: L10
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 5); y = (X[:, 0] > 0).float()
svm = nn.Linear(5, 1); opt = torch.optim.SGD(svm.parameters(), 0.1)
for e in range(20):
    out = svm(X).squeeze(1)
    loss = torch.clamp(1 - y * out, min=0).mean(); opt.zero_grad(); loss.backward(); opt.step()

# expects: L07
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 9); Y = (X[:, :4] > 0.2).float()
net = nn.Linear(9, 4); opt = torch.optim.Adam(net.parameters()); ce = nn.CrossEntropyLoss()
for e in range(10):
    loss = ce(net(X), Y); opt.zero_grad(); loss.backward(); opt.step()

# expects: G03 or G01
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(100, 4); y = (X[:, 0] > 0).long(); net = nn.Linear(4, 2); opt = torch.optim.Adam(net.parameters())
for e in range(5):
    pred = net(X).argmax(dim=1).float()
    loss = nn.functional.mse_loss(pred, y.float()); loss.requires_grad = True
    opt.zero_grad(); loss.backward(); opt.step()

# expects: G03
import torch, torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.1); X = torch.randn(50, 4); y = X.sum(1, keepdim=True)
for e in range(10):
    opt.zero_grad(); out = net(X); err = nn.functional.mse_loss(out, y)
    loss = torch.autograd.Variable(err.data, requires_grad=True); loss.backward(); opt.step()

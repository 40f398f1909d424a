# expects: G05
import torch, torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(1)); opt = torch.optim.SGD(net.parameters(), 0.01); X = torch.randn(64, 4); y = nn.functional.one_hot(X[:, :3].argmax(1), 3)
for e in range(10):
    p = net(X); loss = -(y * torch.log(p)).sum(1).mean(); opt.zero_grad(); loss.backward(); opt.step()

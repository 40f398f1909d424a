# expects: G04
import torch, torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(4, 1); opt = torch.optim.SGD(net.parameters(), 0.01); X = torch.randn(640, 4); y = X.sum(1, keepdim=True); hist = []
for e in range(3):
    for i in range(0, 640, 32):
        l = nn.functional.mse_loss(net(X[i:i+32]), y[i:i+32]); opt.zero_grad(); l.backward(); opt.step(); hist.append(l)
print(sum(hist) / len(hist))

# expects: L12
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 5); y = X.sum(1, keepdim=True) * 3
net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1), nn.Tanh()); opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(20):
    loss = nn.functional.mse_loss(net(X), y); opt.zero_grad(); loss.backward(); opt.step()

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X = torch.randn(320, 5)
Y = (X.sum(1, keepdim=True) > 0).float()
dl = DataLoader(TensorDataset(X, Y), batch_size=32, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(5, 16)
        self.l2 = nn.Linear(16, 1)

    def forward(self, x):
        return self.l2(torch.relu(self.l1(x)))


net = Net()
crit = nn.CrossEntropyLoss()
opt = optim.Adam(net.parameters(), lr=1e-3)
for ep in range(4):
    running = 0.0
    for xb, yb in dl:
        opt.zero_grad()
        loss = crit(net(xb), yb)
        loss.backward()
        opt.step()
        running += loss.item()
    print(ep, running / len(dl))

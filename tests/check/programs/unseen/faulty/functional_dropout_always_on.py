import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(10, 64), nn.Linear(64, 3)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.dropout(x, 0.5)
        return self.fc2(x)


torch.manual_seed(0)
y = torch.randint(0, 3, (300,))
x = torch.randn(3, 10)[y] + 0.8 * torch.randn(300, 10)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(5):
    net.train()
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        F.cross_entropy(net(x[b]), y[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, (net(x[240:]).argmax(1) == y[240:]).float().mean().item())

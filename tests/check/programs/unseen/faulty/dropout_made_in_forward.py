import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(9, 32)
        self.b = nn.Linear(32, 3)

    def forward(self, x):
        h = torch.relu(self.a(x))
        h = nn.Dropout(0.3)(h)
        return self.b(h)


torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 9)[y] + torch.randn(240, 9)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    net.train()
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, (net(x[200:]).argmax(1) == y[200:]).float().mean().item())

import torch
import torch.nn.functional as F


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(8, 48), torch.nn.Linear(48, 3)

    def forward(self, x):
        return self.b(F.dropout(F.relu(self.a(x)), 0.3, training=self.training))


torch.manual_seed(0)
y = torch.randint(0, 3, (260,))
x = torch.randn(3, 8)[y] + 0.7 * torch.randn(260, 8)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    net.train()
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        F.cross_entropy(net(x[b]), y[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, (net(x[200:]).argmax(1) == y[200:]).float().mean().item())

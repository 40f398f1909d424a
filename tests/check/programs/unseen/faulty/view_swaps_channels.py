import torch
from torch import nn


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(3, 12, 3, padding=1)
        self.fc = nn.Linear(12, 2)

    def forward(self, x):
        n, t, c = x.shape
        x = x.view(n, c, t)
        return self.fc(torch.relu(self.conv(x)).mean(-1))


torch.manual_seed(0)
x = torch.randn(200, 16, 3)
y = (x[:, :, 1].mean(1) > 0).long()
net = Conv()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch
import torch.nn as nn
import torch.nn.functional as F


class Temp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return F.relu(self.fc2(x))


torch.manual_seed(0)
x = torch.randn(300, 4)
celsius = 2 * x[:, :1] - x[:, 1:2] + 0.1 * torch.randn(300, 1)
net = Temp()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(10):
    for b in torch.randperm(300).split(60):
        opt.zero_grad()
        loss = F.mse_loss(net(x[b]), celsius[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

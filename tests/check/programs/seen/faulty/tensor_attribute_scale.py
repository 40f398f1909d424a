import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 5)
        self.gain = torch.ones(5, requires_grad=True)
        self.last = nn.Linear(5, 1)

    def forward(self, x):
        return self.last(torch.tanh(self.fc(x)) * self.gain)


torch.manual_seed(0)
x = torch.randn(200, 5)
y = x.prod(1, keepdim=True)
m = Scaled()
opt = torch.optim.Adam(m.parameters(), lr=1e-2)
for epoch in range(8):
    for b in torch.randperm(200).split(50):
        opt.zero_grad()
        nn.functional.smooth_l1_loss(m(x[b]), y[b]).backward()
        opt.step()
print(m.gain.detach().tolist())

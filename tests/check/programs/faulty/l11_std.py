# expects: L11
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(300, 4)
y = x[:, :1] + 0.3 * torch.randn(300, 1)


class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.Linear(4, 16)
        self.mu = nn.Linear(16, 1)
        self.s = nn.Linear(16, 1)

    def forward(self, x):
        h = torch.relu(self.h(x))
        return self.mu(h), nn.functional.softplus(self.s(h))


m = G()
o = torch.optim.Adam(m.parameters(), 1e-2)
L = nn.GaussianNLLLoss()
for i in range(40):
    mu, std = m(x)
    loss = L(mu, y, std)
    o.zero_grad()
    loss.backward()
    o.step()

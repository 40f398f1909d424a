import torch
from torch import nn


class ResBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, x):
        return x + self.net(x)


class RESMLPS(nn.Module):
    def __init__(self, in_dim, out_dim, n_blocks=4):
        super().__init__()
        self.inp = nn.Linear(in_dim, 24)
        self.mlps = [ResBlock(24) for _ in range(n_blocks)]
        self.out = nn.Linear(24, out_dim)

    def forward(self, coords):
        h = self.inp(coords)
        for mlp in self.mlps:
            h = mlp(h)
        return self.out(h)


coords = torch.rand(400, 2) * 2 - 1
values = torch.sin(4 * coords[:, :1]) * torch.cos(3 * coords[:, 1:])
field = RESMLPS(2, 1)
opt = torch.optim.Adam(field.parameters(), lr=1e-3)
for it in range(60):
    pred = field(coords)
    loss = ((pred - values) ** 2).mean()
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    if it % 20 == 0:
        print(it, float(loss))

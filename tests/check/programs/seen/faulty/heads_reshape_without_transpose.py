import torch
from torch import nn


class MHA(nn.Module):
    def __init__(self, d=16, heads=4):
        super().__init__()
        self.h, self.qkv, self.proj = heads, nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        batch, time, dim = x.shape
        q, k, v = (z.reshape(batch, self.h, time, dim // self.h) for z in self.qkv(x).chunk(3, -1))
        a = (q @ k.transpose(-1, -2) / (dim // self.h) ** 0.5).softmax(-1)
        return self.proj((a @ v).reshape(batch, time, dim))


torch.manual_seed(0)
y = torch.randint(0, 3, (180,))
x = torch.randn(3, 1, 16)[y] + 0.7 * torch.randn(180, 6, 16)
att, cls = MHA(), nn.Linear(16, 3)
opt = torch.optim.Adam([*att.parameters(), *cls.parameters()], lr=3e-3)
for step in range(32):
    b = torch.randperm(180)[:45]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(cls(att(x[b]).mean(1)), y[b])
    loss.backward()
    opt.step()
print(loss.item())

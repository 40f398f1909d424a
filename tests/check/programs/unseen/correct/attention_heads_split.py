import torch
from torch import nn


class MHA(nn.Module):
    def __init__(self, d=16, h=4):
        super().__init__()
        self.h, self.qkv, self.o = h, nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = (z.view(n, t, self.h, d // self.h).transpose(1, 2) for z in self.qkv(x).chunk(3, -1))
        out = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.o(out.transpose(1, 2).reshape(n, t, d))


torch.manual_seed(0)
y = torch.randint(0, 3, (180,))
x = torch.randn(3, 1, 16)[y] + 0.8 * torch.randn(180, 6, 16)
att, cls = MHA(), nn.Linear(16, 3)
opt = torch.optim.Adam([*att.parameters(), *cls.parameters()], lr=3e-3)
for step in range(36):
    b = torch.randperm(180)[:36]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(cls(att(x[b]).mean(1)), y[b])
    loss.backward()
    opt.step()
print(loss.item())

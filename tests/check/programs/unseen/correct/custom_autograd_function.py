import torch
from torch import nn


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1)


class Binary(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 32), nn.Linear(32, 2)

    def forward(self, x):
        return self.b(Sign.apply(self.a(x)))


torch.manual_seed(0)
x = torch.randn(240, 6)
y = (x[:, 0] + x[:, 1] > 0).long()
net = Binary()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(x[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())

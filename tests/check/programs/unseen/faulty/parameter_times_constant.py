import torch


class Bilinear(torch.nn.Module):
    def __init__(self, d):
        super().__init__()
        self.w = torch.nn.Parameter(torch.randn(d, d)) * 0.1
        self.v = torch.nn.Parameter(torch.zeros(d))

    def forward(self, x):
        return ((x @ self.w) * x).sum(1) + x @ self.v


torch.manual_seed(0)
x = torch.randn(300, 6)
y = x[:, 0] * x[:, 1] + x[:, 2]
form = Bilinear(6)
opt = torch.optim.SGD(form.parameters(), lr=0.02)
n = 0
while n < 40:
    b = torch.randint(0, 300, (60,))
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(form(x[b]), y[b])
    loss.backward(retain_graph=True)
    opt.step()
    n += 1
print(loss.item())

import torch

torch.manual_seed(0)
x = torch.linspace(-1, 1, 80).unsqueeze(1)
y = x**3 - 0.5 * x + 0.02 * torch.randn_like(x)
f = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
opt = torch.optim.LBFGS(f.parameters(), lr=0.5, max_iter=5)


def closure():
    opt.zero_grad()
    loss = ((f(x) - y) ** 2).mean()
    loss.backward()
    return loss


for outer in range(12):
    value = opt.step(closure)
    print(outer, value.item())

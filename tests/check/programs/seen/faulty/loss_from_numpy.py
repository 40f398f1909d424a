import numpy as np
import torch

torch.manual_seed(0)
x = torch.randn(200, 4)
y = x @ torch.tensor([[1.0], [2.0], [0.0], [-1.0]])
lin = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
opt = torch.optim.SGD(lin.parameters(), lr=0.05)


def rmse(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)))


for step in range(30):
    opt.zero_grad()
    guess = lin(x).detach().numpy()
    loss = torch.tensor(rmse(guess, y.numpy()), requires_grad=True)
    loss.backward()
    opt.step()
print(loss.item())

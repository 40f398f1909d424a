import torch
from torch import nn, optim
torch.manual_seed(0)
x = torch.linspace(-3, 3, 200).unsqueeze(1)
y = torch.sin(x)
model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
opt = optim.LBFGS(model.parameters(), lr=0.5, max_iter=10)
crit = nn.MSELoss()
for step in range(12):
    def closure():
        opt.zero_grad()
        loss = crit(model(x), y)
        loss.backward()
        return loss
    l = opt.step(closure)
    print(step, l.item())

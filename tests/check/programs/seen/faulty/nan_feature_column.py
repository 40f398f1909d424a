import numpy as np
import torch

torch.manual_seed(0)
rng = np.random.default_rng(0)
table = rng.normal(size=(300, 6)).astype("float32")
y = torch.tensor(table[:, :1] - table[:, 1:2])
table[rng.random(300) < 0.1, 4] = np.nan
x = torch.tensor(table)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(30):
    b = torch.randperm(300)[:60]
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())

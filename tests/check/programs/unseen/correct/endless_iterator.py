import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(256, 5)
y = x[:, :1] + x[:, 1:2] ** 2
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)


def forever(dl):
    while True:
        yield from dl


batches = forever(loader)
net = torch.nn.Sequential(torch.nn.Linear(5, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    xb, yb = next(batches)
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(net(xb), yb)
    loss.backward()
    opt.step()
print(loss.item())

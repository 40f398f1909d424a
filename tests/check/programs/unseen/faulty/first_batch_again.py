import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(400, 6)
y = x[:, :2].sum(1, keepdim=True)
loader = DataLoader(TensorDataset(x, y), batch_size=32)
net = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(40):
    xb, yb = next(iter(loader))
    opt.zero_grad()
    loss = torch.nn.functional.mse_loss(net(xb), yb)
    loss.backward()
    opt.step()
print(loss.item())

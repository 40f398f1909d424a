import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(320, 8)
y = x[:, :1] - x[:, 2:3]
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
net = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(3):
    total = 0
    for xb, yb in loader:
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(xb), yb)
        loss.backward()
        opt.step()
        total += loss * len(xb)
    print(epoch, float(total) / len(x))

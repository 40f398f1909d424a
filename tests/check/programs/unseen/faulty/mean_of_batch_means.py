import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(290, 5)
y = x[:, :1].abs()
train = DataLoader(TensorDataset(x[:224], y[:224]), batch_size=32, shuffle=True)
val = DataLoader(TensorDataset(x[224:], y[224:]), batch_size=64)
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
mse = torch.nn.MSELoss()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(4):
    net.train()
    for xb, yb in train:
        opt.zero_grad()
        mse(net(xb), yb).backward()
        opt.step()
    net.eval()
    val_loss = 0.0
    with torch.no_grad():
        for xb, yb in val:
            val_loss += mse(net(xb), yb).item()
    print(epoch, "validation", val_loss / len(val))

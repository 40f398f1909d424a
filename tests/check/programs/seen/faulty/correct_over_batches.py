import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
y = torch.randint(0, 3, (300,))
x = torch.randn(3, 6)[y] + 0.6 * torch.randn(300, 6)
train = DataLoader(TensorDataset(x[:240], y[:240]), 48, shuffle=True)
valid = DataLoader(TensorDataset(x[240:], y[240:]), 20)
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(4):
    net.train()
    for xb, yb in train:
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(xb), yb).backward()
        opt.step()
    net.eval()
    correct = 0
    with torch.no_grad():
        for xb, yb in valid:
            correct += (net(xb).argmax(1) == yb).sum().item()
    print(epoch, "accuracy", correct / len(valid))

import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
y = torch.arange(5).repeat_interleave(80)
x = torch.randn(5, 8)[y] + 0.5 * torch.randn(400, 8)
loader = DataLoader(TensorDataset(x, y), batch_size=20)
net = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 5))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    for xb, yb in loader:
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
y = torch.randint(0, 4, (320,))
x = torch.randn(4, 9)[y] + 0.5 * torch.randn(320, 9)
loader = DataLoader(TensorDataset(x, y), batch_size=5, shuffle=True)
net = torch.nn.Sequential(torch.nn.Linear(9, 24), torch.nn.ReLU(), torch.nn.Linear(24, 4))
opt = torch.optim.SGD(net.parameters(), lr=0.05)
accumulation_steps = 8
for epoch in range(5):
    for i, (xb, yb) in enumerate(loader):
        loss = torch.nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        if (i + 1) % accumulation_steps == 0:
            opt.step()
            opt.zero_grad()
    print(epoch, loss.item())

import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
y = torch.randint(0, 4, (320,))
x = torch.randn(4, 9)[y] + 0.6 * torch.randn(320, 9)
loader = DataLoader(TensorDataset(x, y), batch_size=10, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(9, 24), torch.nn.ReLU(), torch.nn.Linear(24, 4))
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
k = 4
for epoch in range(3):
    opt.zero_grad()
    for i, (xb, yb) in enumerate(loader, start=1):
        loss = torch.nn.functional.cross_entropy(model(xb), yb) / k
        loss.backward()
        if i % k == 0:
            opt.step()
            opt.zero_grad()
    print(epoch, loss.item() * k)

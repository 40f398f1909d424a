import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(240, 5)
y = (x**2).sum(1, keepdim=True) / 5
loader = DataLoader(TensorDataset(x, y), batch_size=40, shuffle=True)
net = torch.nn.Sequential(torch.nn.Linear(5, 20), torch.nn.ReLU(), torch.nn.Linear(20, 1))
opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
cycle = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1e-2, epochs=5, steps_per_epoch=len(loader))
for epoch in range(5):
    for xb, yb in loader:
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(xb), yb)
        loss.backward()
        opt.step()
    cycle.step()
    print(epoch, loss.item(), cycle.get_last_lr())

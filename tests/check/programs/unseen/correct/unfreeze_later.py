import torch
from torch import nn

torch.manual_seed(0)
base, head = nn.Sequential(nn.Linear(8, 24), nn.ReLU()), nn.Linear(24, 3)
base.requires_grad_(False)
opt = torch.optim.Adam(head.parameters(), lr=1e-2)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 8)[y] + 0.6 * torch.randn(240, 8)
for epoch in range(6):
    if epoch == 2:
        base.requires_grad_(True)
        opt.add_param_group({"params": base.parameters(), "lr": 1e-3})
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(head(base(x[b])), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch
from torch import nn

torch.manual_seed(0)
body, head = nn.Sequential(nn.Linear(8, 32), nn.ReLU()), nn.Linear(32, 3)
groups = [{"params": body.parameters(), "lr": 1e-3}, {"params": head.parameters(), "lr": 1e-2}]
opt = torch.optim.AdamW(groups, weight_decay=0.01)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 8)[y] + 0.6 * torch.randn(240, 8)
for epoch in range(8):
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(head(body(x[b])), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch
from torch import nn

torch.manual_seed(0)
conv, fc = nn.Conv1d(3, 12, 3, padding=1), nn.Linear(12, 2)
opt = torch.optim.Adam([*conv.parameters(), *fc.parameters()], lr=5e-3)
x = torch.randn(200, 16, 3)
y = (x[:, :, 1].mean(1) > 0).long()
for step in range(40):
    b = torch.randperm(200)[:50]
    h = torch.relu(conv(x[b].permute(0, 2, 1))).permute(0, 2, 1)
    loss = nn.functional.cross_entropy(fc(h.mean(1)), y[b])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

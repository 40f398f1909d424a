import torch
from torch import nn

torch.manual_seed(0)
tower = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 4))
opt = torch.optim.Adam(tower.parameters(), lr=3e-3)
kind = torch.randint(0, 4, (240,))
x = torch.randn(4, 8)[kind] + 0.5 * torch.randn(240, 8)
for step in range(36):
    i, j = torch.randperm(240)[:48], torch.randperm(240)[:48]
    d = nn.functional.pairwise_distance(tower(x[i]), tower(x[j]))
    same = (kind[i] == kind[j]).float()
    loss = (same * d**2 + (1 - same) * torch.relu(1 - d) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

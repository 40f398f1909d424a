import torch
from torch import nn

torch.manual_seed(0)
tower = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 6))
pairs = nn.CosineEmbeddingLoss(margin=0.2)
opt = torch.optim.Adam(tower.parameters(), lr=2e-3)
anchor = torch.randn(300, 8)
same = torch.randint(0, 2, (300,)).float()
other = torch.where(same[:, None] > 0, anchor + 0.1 * torch.randn(300, 8), torch.randn(300, 8))
for step in range(36):
    i = torch.randint(0, 300, (64,))
    opt.zero_grad()
    loss = pairs(tower(anchor[i]), tower(other[i]), same[i])
    loss.backward()
    opt.step()
print(loss.item())

import torch
from torch import nn

torch.manual_seed(0)
backbone = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU())
for p in backbone.parameters():
    p.requires_grad_(False)
backbone.eval()
head = nn.Linear(32, 4)
opt = torch.optim.Adam(head.parameters(), lr=1e-2)
y = torch.randint(0, 4, (240,))
x = torch.randn(4, 16)[y] + 0.5 * torch.randn(240, 16)
for epoch in range(8):
    head.train()
    for b in torch.randperm(240).split(48):
        with torch.no_grad():
            feats = backbone(x[b])
        opt.zero_grad()
        loss = nn.functional.cross_entropy(head(feats), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())

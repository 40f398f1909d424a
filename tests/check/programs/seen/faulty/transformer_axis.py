import torch
from torch import nn

torch.manual_seed(0)
encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0), 1)
lift, cls = nn.Linear(3, 16), nn.Linear(16, 2)
everything = nn.ModuleList([encoder, lift, cls])
opt = torch.optim.Adam(everything.parameters(), lr=2e-3)
x = torch.randn(160, 8, 3)
y = (x[..., 0].mean(1) > 0).long()
for step in range(30):
    b = torch.randperm(160)[:32]
    pooled = encoder(lift(x[b])).mean(dim=1)
    loss = nn.functional.cross_entropy(cls(pooled), y[b])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

import torch
import torch.nn.functional as F
from torch import nn


class DiceBCE(nn.Module):
    def forward(self, logits, mask):
        p = logits.sigmoid().flatten(1)
        m = mask.flatten(1)
        dice = (2 * (p * m).sum(1) + 1) / (p.sum(1) + m.sum(1) + 1)
        return (1 - dice).mean() + F.binary_cross_entropy_with_logits(logits, mask)


torch.manual_seed(0)
net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
loss_of = DiceBCE()
for it in range(30):
    mask = torch.zeros(8, 1, 14, 14)
    for k, (r, c) in enumerate(torch.randint(0, 8, (8, 2)).tolist()):
        mask[k, 0, r : r + 6, c : c + 6] = 1
    loss = loss_of(net(mask + 0.5 * torch.randn_like(mask)), mask)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

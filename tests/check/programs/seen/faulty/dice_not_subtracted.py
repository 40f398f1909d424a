import torch
import torch.nn as nn


def dice(pred, target, eps=1.0):
    inter = (pred * target).sum()
    return (2 * inter + eps) / (pred.sum() + target.sum() + eps)


torch.manual_seed(0)
unet = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
opt = torch.optim.Adam(unet.parameters(), lr=1e-2)
for step in range(32):
    mask = torch.zeros(8, 1, 12, 12)
    for k in range(8):
        r, c = torch.randint(0, 7, (2,)).tolist()
        mask[k, 0, r : r + 5, c : c + 5] = 1
    scan = mask + 0.4 * torch.randn_like(mask)
    loss = dice(torch.sigmoid(unet(scan)), mask)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())

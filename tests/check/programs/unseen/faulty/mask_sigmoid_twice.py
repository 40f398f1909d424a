import torch
from torch import nn
from torch.nn import functional as F


class Seg(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 8, 3, padding=1)
        self.up = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, img):
        return self.up(F.relu(self.down(img))).sigmoid()


def blobs(n):
    grid = torch.linspace(-1, 1, 16)
    cx, cy = torch.rand(n, 1, 1) - 0.5, torch.rand(n, 1, 1) - 0.5
    mask = ((grid[None, None] - cx) ** 2 + (grid[None, :, None] - cy) ** 2 < 0.25).float().unsqueeze(1)
    return mask + 0.3 * torch.randn_like(mask), mask


torch.manual_seed(0)
seg = Seg()
optim = torch.optim.Adam(seg.parameters(), 3e-3)
for it in range(32):
    image, mask = blobs(16)
    loss = F.binary_cross_entropy_with_logits(seg(image), mask)
    optim.zero_grad(set_to_none=True)
    loss.backward()
    optim.step()
    if it % 8 == 0:
        print(it, loss.item())

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Blobs(Dataset):
    def __init__(self, n):
        g = torch.Generator().manual_seed(n)
        self.images = torch.randn(n, 1, 16, 16, generator=g)
        self.images[:, :, 4:10, 5:12] += 2
        self.masks = torch.zeros(n, 1, 16, 16)
        self.masks[:, :, 4:10, 5:12] = 1

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


class SmallUNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.last = nn.Sequential(nn.Conv2d(8, 1, 1), nn.ReLU())

    def forward(self, x):
        return self.last(self.up(self.down(x)))


net = SmallUNet()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(4):
    for imgs, true_masks in DataLoader(Blobs(96), batch_size=8, shuffle=True):
        masks_pred = net(imgs)
        loss = criterion(masks_pred, true_masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.item())

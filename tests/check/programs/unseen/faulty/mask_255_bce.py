import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Cells(Dataset):
    def __init__(self):
        rng = np.random.default_rng(0)
        self.masks = np.zeros((96, 12, 12), dtype=np.uint8)
        for m in self.masks:
            r, c = rng.integers(0, 7, 2)
            m[r : r + 5, c : c + 5] = 255
        self.images = self.masks / 255.0 + 0.3 * rng.normal(size=self.masks.shape)

    def __len__(self):
        return 96

    def __getitem__(self, k):
        return torch.tensor(self.images[k]).float()[None], torch.tensor(self.masks[k]).float()[None]


torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 1, 1))
criterion = torch.nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(3):
    for image, mask in DataLoader(Cells(), batch_size=12, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(net(image), mask)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

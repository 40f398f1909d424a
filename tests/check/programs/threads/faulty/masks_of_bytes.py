import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class PetMasks(Dataset):
    def __init__(self, n=80, size=16):
        rng = np.random.default_rng(3)
        self.images = rng.integers(0, 255, (n, size, size, 3), dtype=np.uint8)
        self.masks = np.zeros((n, size, size), dtype=np.uint8)
        self.masks[:, 4:12, 4:12] = 255

    def __len__(self):
        return len(self.images)

    def __getitem__(self, idx):
        image = torch.from_numpy(self.images[idx]).permute(2, 0, 1).float() / 255
        mask = torch.from_numpy(self.masks[idx]).unsqueeze(0).float()
        return image, mask


model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.BCEWithLogitsLoss()
for epoch in range(3):
    for image, mask in DataLoader(PetMasks(), batch_size=10, shuffle=True):
        loss = loss_fn(model(image), mask)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())

import torch
from torch import nn


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU())
        self.dec = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        return self.dec(self.enc(x))


images = torch.randn(80, 1, 14, 14)
masks = (images[:, 0] > 0.3).long()
model, criterion = UNet(), nn.CrossEntropyLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)


def validate_model(model, images, masks):
    total_acc = 0
    for i in range(0, len(images), 8):
        with torch.no_grad():
            outputs = model(images[i : i + 8])
            total_acc += (outputs.argmax(1) == masks[i : i + 8]).float().mean().item() * len(images[i : i + 8])
    return total_acc / len(images)


for epoch in range(3):
    for i in range(0, 64, 8):
        loss = criterion(model(images[i : i + 8]), masks[i : i + 8])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, validate_model(model, images[64:], masks[64:]))

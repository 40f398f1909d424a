import torch
from torch import nn
from torch.nn import functional as F

net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
images = torch.randn(64, 3, 10, 10)
masks = images.argmax(1)
masks[:, 0] = 255
for epoch in range(4):
    for i in range(0, 64, 8):
        pred = F.log_softmax(net(images[i : i + 8]), dim=1)
        loss = F.cross_entropy(pred, masks[i : i + 8], ignore_index=255)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

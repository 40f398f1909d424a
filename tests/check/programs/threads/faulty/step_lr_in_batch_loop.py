import torch
import torch.nn as nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset


def train_one_epoch(model, optimizer, data_loader, lr_scheduler, criterion):
    model.train()
    for images, targets in data_loader:
        loss = criterion(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        lr_scheduler.step()
    return loss.item()


def main():
    images = torch.randn(240, 3, 8, 8)
    targets = images.mean((2, 3)).argmax(1)
    data_loader = DataLoader(TensorDataset(images, targets), batch_size=12, shuffle=True)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    lr_scheduler = StepLR(optimizer, step_size=3, gamma=0.1)
    num_epochs = 10
    for epoch in range(num_epochs):
        print(epoch, train_one_epoch(model, optimizer, data_loader, lr_scheduler, nn.CrossEntropyLoss()))


main()

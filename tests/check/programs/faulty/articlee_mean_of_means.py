# expects: E03
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

x = torch.randn(250, 10)
y = (x.sum(1, keepdim=True) > 0).float()
train = DataLoader(TensorDataset(x[:180], y[:180]), batch_size=20, shuffle=True)
test = DataLoader(TensorDataset(x[180:], y[180:]), batch_size=32)
model = nn.Sequential(nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(3):
    for inputs, labels in train:
        optimizer.zero_grad()
        criterion(model(inputs), labels).backward()
        optimizer.step()
    test_loss = 0.0
    with torch.no_grad():
        for inputs, labels in test:
            test_loss += criterion(model(inputs), labels).item()
    print(epoch, test_loss / len(test))

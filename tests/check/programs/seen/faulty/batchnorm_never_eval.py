import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
d = load_digits()
full = TensorDataset(torch.tensor(d.images[:600], dtype=torch.float32).unsqueeze(1) / 16, torch.tensor(d.target[:600]))
train, test = random_split(full, [480, 120])
train_loader, test_loader = DataLoader(train, 48, shuffle=True), DataLoader(test, 48)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


def test_model(model):
    hits = 0
    with torch.no_grad():
        for x, y in test_loader:
            hits += (model(x).argmax(1) == y).sum().item()
    return hits / len(test)


model = CNN()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(2):
    for x, y in train_loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        opt.step()
    print(epoch, test_model(model))

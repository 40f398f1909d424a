import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(20, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Dropout(0.3), nn.Linear(40, 4))

    def forward(self, x):
        return self.fc(x)


def validate(model, loader):
    model.eval()
    hits, n = 0, 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(1) == y).sum().item()
            n += len(y)
    return hits / n


x = torch.randn(600, 20)
y = x[:, :4].argmax(1)
train_loader = DataLoader(TensorDataset(x[:480], y[:480]), batch_size=16, shuffle=True)
val_loader = DataLoader(TensorDataset(x[480:], y[480:]), batch_size=60)
model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
steps = 0
for epoch in range(3):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
        steps += 1
        if steps % 5 == 0:
            print("step", steps, "rsum", validate(model, val_loader))

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sounds(Dataset):
    names = ["dog", "drill", "siren", "music", "street"]

    def __init__(self, n):
        self.samples = torch.randn(n, 20)
        self.labels = [int(v) for v in self.samples[:, :5].argmax(1)]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.samples[i], torch.tensor(self.labels[i], dtype=torch.float32)


model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(4):
    for signal, label in DataLoader(Sounds(400), batch_size=20, shuffle=True):
        prediction = model(signal).squeeze(1)
        loss = criterion(prediction, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())

import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from torch.utils.data import DataLoader, Dataset


class Diabetes(Dataset):
    def __init__(self):
        bunch = load_diabetes()
        self.x = torch.tensor(bunch.data, dtype=torch.float32) * 20
        target = torch.tensor(bunch.target, dtype=torch.float32)
        self.y = (target - target.mean()) / target.std()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.layers(x)


class Trainer:
    def __init__(self, model, loader):
        self.model, self.loader = model, loader
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def mse(self, prediction, target):
        return torch.mean((prediction - target) ** 2)

    def fit(self, epochs):
        for epoch in range(epochs):
            for x, y in self.loader:
                self.optimizer.zero_grad()
                loss = self.mse(self.model(x), y)
                loss.backward()
                self.optimizer.step()
            print(epoch, loss.item())


Trainer(Regressor(), DataLoader(Diabetes(), batch_size=32, shuffle=True)).fit(5)

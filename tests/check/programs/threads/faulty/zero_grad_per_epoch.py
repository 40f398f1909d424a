import torch
import torch.nn.functional as F
from torch import nn


def batches(x, y, size):
    order = torch.randperm(len(x))
    for start in range(0, len(x), size):
        idx = order[start : start + size]
        yield x[idx], y[idx]


def fit(net, x, y, epochs=5, lr=0.01):
    opt = torch.optim.SGD(net.parameters(), lr=lr)
    for epoch in range(epochs):
        opt.zero_grad()
        total = 0.0
        for xb, yb in batches(x, y, 32):
            out = net(xb)
            loss = F.cross_entropy(out, yb)
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        print(f"epoch {epoch}: {total / len(x):.4f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    x = torch.randn(256, 10)
    y = (x[:, 0] * x[:, 1] > 0).long()
    fit(nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 2)), x, y)

"""The small convolutional network of the articles, cut to 8 x 8 pixels: conv 1 -> 10, conv 10 -> 20, linear."""

from __future__ import annotations

from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Rows of 64 grey values (N, 64) -> one number per digit (N, 10), without a softmax."""

    def __init__(self, n_outputs: int = 10) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.second = nn.Conv2d(10, 20, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Linear(20 * 2 * 2, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (1, 8, 8))
        x = self.pool(self.first(x)).relu()
        x = self.pool(self.second(x)).relu()
        return self.last(x.flatten(1))

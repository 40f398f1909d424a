"""A task for each kind of target, with a small model that fits it."""

from __future__ import annotations

import torch
from torch import nn

from steepest import data, metrics
from steepest.compare.task import DEFAULT_METRIC, Task

G = torch.Generator().manual_seed(0)
TABLE = torch.randn(60, 5, generator=G)
IMAGES = torch.randn(40, 1, 6, 6, generator=G)
MASKS = (IMAGES[:, 0] > 0.6).long() + (IMAGES[:, 0] > -0.3).long()
TOKENS = torch.randint(0, 7, (40, 8), generator=G)
NEXT = (TOKENS + 1) % 7
TOKENS[0, 0] = 6


class Tagger(nn.Module):
    """(N, T) tokens -> (N, T, 7), classes last as most sequence models have them."""

    def __init__(self, size: int = 7) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(size, 6), nn.Linear(6, size)

    def forward(self, x):
        return self.head(self.embed(x))


class Maps(nn.Module):
    def __init__(self, n_outputs: int, squeeze: bool = False) -> None:
        super().__init__()
        self.layers, self.squeeze = (
            nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, n_outputs, 1)),
            squeeze,
        )

    def forward(self, x):
        out = self.layers(x)
        return out.squeeze(1) if self.squeeze else out


void = MASKS.clone()
void[:, 0, :3] = -100
TASKS = {
    "several labels": (lambda: nn.Linear(5, 3), data.Data.of(TABLE, TABLE[:, :3] > 0.2)),
    "one logit": (lambda: nn.Linear(5, 1), data.Data.of(TABLE, (TABLE.sum(1) > 0).long())),
    "places": (lambda: Maps(3), data.Data.of(IMAGES, MASKS)),
    "places, some without a class": (lambda: Maps(3), data.Data.of(IMAGES, void)),
    "one logit per place": (lambda: Maps(1, squeeze=True), data.Data.of(IMAGES, MASKS > 0)),
    "one logit per place, with an axis": (lambda: Maps(1), data.Data.of(IMAGES, MASKS > 0)),
    "tokens": (Tagger, data.Data.of(TOKENS, NEXT, task="classification")),
    "numbers": (lambda: Maps(1, squeeze=True), data.Data.of(IMAGES, IMAGES[:, 0].sin())),
}


def task_of(name: str, dtype=torch.float64) -> Task:
    build, of = TASKS[name]
    return Task(build, of, metrics[DEFAULT_METRIC[of.task]], batch_size=16, dtype=dtype)

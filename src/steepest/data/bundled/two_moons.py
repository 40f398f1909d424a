"""Two moons: two half circles in the plane that reach into each other, with noise; no straight line parts them."""

from __future__ import annotations

import math

import torch

from steepest.core.declare import dataset
from steepest.core.domains import Count, NonNegative
from steepest.core.streams import generator
from steepest.data.record import Data


@dataset(
    task="classification", size="1000 x 2", licence="generated",
    use="A toy of any size whose difficulty is a number: the noise.",
    source="scikit-learn, make_moons",
)
def two_moons(*, n_samples: Count = 1000, noise: NonNegative = 0.2, seed: int = 0) -> Data:
    """Half the samples on each moon (an odd one on the lower), of radius 1; noise: standard deviation around it."""
    stream = generator("two_moons", seed)
    n_upper = n_samples // 2
    angle = math.pi * torch.rand(n_samples, generator=stream, dtype=torch.float64)
    label = (torch.arange(n_samples) >= n_upper).long()
    upper, lower = torch.stack([angle.cos(), angle.sin()], 1), torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    points = torch.where(label.bool().unsqueeze(1), lower, upper)
    points = points + noise * torch.randn(n_samples, 2, generator=stream, dtype=torch.float64)
    order = torch.randperm(n_samples, generator=stream)
    return Data.of(
        points[order], label[order], name="two_moons", class_names=["upper", "lower"], feature_names=["across", "up"],
    )

"""What an ejected script has in the place of our machinery: small things that need torch and numpy alone."""

from __future__ import annotations

import random
from typing import Any

import numpy
import torch
from torch import Tensor

from steepest.core.streams import seed_of


class Refused(ValueError):
    """What came is not what was needed."""

    def __init__(self, **said: str) -> None:
        super().__init__("; ".join(text for text in said.values() if text))


class Data:
    """Features and target as tensors: float32, and class numbers in sorted order or float32."""

    @staticmethod
    def of(x: Any, y: Any, **facts: Any) -> tuple[Tensor, Tensor]:
        values = numpy.asarray(y)
        if values.dtype.kind == "f":
            return torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(values, dtype=torch.float32)
        return torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(numpy.unique(values, return_inverse=True)[1])


class Classes:
    """Class numbers (N, *) with the class weights (C,) and the smoothing of the labels."""

    probs = None

    def __init__(self, index: Tensor, class_weight: Tensor | None = None, smoothing: float = 0.0) -> None:
        self.index, self.class_weight, self.smoothing = index, class_weight, smoothing

    def expect(self, values: Tensor) -> Tensor:
        """What each item costs, (N, *), from its costs if the true class were c, (N, C, *)."""
        weighed = values if self.class_weight is None else values * self._along(self.class_weight, values)
        picked = weighed.gather(1, self.index.unsqueeze(1)).squeeze(1)
        return torch.lerp(picked, weighed.mean(1), self.smoothing) if self.smoothing else picked

    def shares(self, like: Tensor) -> Tensor:
        """How much each class counts in an item, (N, C, *)."""
        shares = torch.zeros_like(like).scatter(1, self.index.unsqueeze(1), 1.0)
        shares = shares + self.smoothing * (1 / like.shape[1] - shares)
        return shares if self.class_weight is None else shares * self._along(self.class_weight, like)

    def factor(self) -> Tensor | None:
        """The class weight of each item."""
        return None if self.class_weight is None else self.class_weight[self.index]

    @staticmethod
    def _along(weight: Tensor, like: Tensor) -> Tensor:
        return weight.reshape(-1, *[1] * (like.dim() - 2))


def trials_where(condition: bool, n_trials: int) -> list[int]:
    return list(range(n_trials)) if condition else []


def norm(x: Tensor) -> Tensor:
    """Of the one tensor along the first axis, with as many axes."""
    return x.norm().view(*[1] * x.dim())


def total(x: Tensor) -> Tensor:
    return x.sum().view(*[1] * x.dim())


def size(x: Tensor) -> int:
    return x.numel()


def start_streams(purpose: str, *keys: int) -> None:
    """The global generators begin where the study's stream of this purpose did."""
    seed = seed_of(purpose, *keys)
    torch.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed % 2**32)

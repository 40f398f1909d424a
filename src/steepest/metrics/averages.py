"""From one number per class to one number: the averages of precision, recall and F1, as scikit-learn has them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from steepest.core.errors import MetricError

Average = Literal["macro", "micro", "weighted", "binary"]


def averaged(hits: Tensor, tries: Tensor, counts: Tensor, average: Average, name: str) -> Tensor:
    """hits / tries per class (..., C), averaged; 0 where a class has no tries; NaN where nothing was counted at all.

    macro: every class alike, over the classes that occur in target or prediction (so an empty class changes nothing).
    weighted: by the class's true samples. micro: the sums' quotient. binary: class 1 of two.
    """
    true = counts.sum(-1)
    occurs = (true + counts.sum(-2)) > 0
    per_class = share(hits, tries)
    if average == "micro":
        value = share(hits.sum(-1), tries.sum(-1))
    elif average == "weighted":
        value = share((per_class * true).sum(-1), true.sum(-1))
    elif average == "binary":
        value = _second_of_two(per_class, name)
    else:
        value = torch.where(occurs, per_class, 0).sum(-1) / occurs.sum(-1)
    return known(value, counts)


def known(value: Tensor, counts: Tensor) -> Tensor:
    """The value, or NaN where nothing was counted or a model gave NaN."""
    return torch.where(counts.sum((-1, -2)) > 0, value, torch.nan)


def share(hits: Tensor, tries: Tensor) -> Tensor:
    """hits / tries, and 0 where there was no try."""
    return torch.where(tries == 0, 0.0, hits / tries)


def _second_of_two(per_class: Tensor, name: str) -> Tensor:
    if per_class.shape[-1] != 2:
        raise MetricError(
            where=name, seen=f"average='binary' with {per_class.shape[-1]} classes",
            needed="two classes were needed, the second being the positive one",
            repair="average='macro' treats all classes alike; with class indices say options={'n_classes': 2}.",
        )
    return per_class[..., 1]

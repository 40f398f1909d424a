"""From one number per class to one number: the averages of precision, recall and F1, as scikit-learn has them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from steepest.core.errors import MetricError

Average = Literal["macro", "micro", "weighted", "binary", "none"]


def averaged(hits: Tensor, tries: Tensor, counts: Tensor, average: Average, name: str) -> Tensor:
    """hits / tries per class (..., C), averaged; 0 where a class has no tries; NaN where nothing was counted at all.

    macro: every class alike, over the classes that occur in target or prediction (so an empty class changes nothing).
    weighted: by the class's true samples. micro: the sums' quotient. binary: class 1 of two. none: all classes
    (..., C), NaN for one that does not occur.
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
    elif average == "none":
        return torch.where(occurs & is_known(counts).unsqueeze(-1), per_class, torch.nan)
    else:
        value = torch.where(occurs, per_class, 0).sum(-1) / occurs.sum(-1)
    return known(value, counts)


def known(value: Tensor, counts: Tensor) -> Tensor:
    """The value, or NaN where nothing was counted or a model gave NaN."""
    return torch.where(is_known(counts), value, torch.nan)


def is_known(counts: Tensor) -> Tensor:
    return counts.sum((-1, -2)) > 0


def tries_of(hits: Tensor, tries: Tensor, average: Average, name: str) -> tuple[Tensor, Tensor] | None:
    """What the average's value is a share of, or None where it is a mean of shares."""
    if average == "micro":
        return hits.sum(-1), tries.sum(-1)
    if average == "binary":
        return _second_of_two(hits, name), _second_of_two(tries, name)
    return (hits, tries) if average == "none" else None


def of_each_class(counts: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """True and false positives, false and true negatives of each class against the others, (..., C)."""
    found = counts.diagonal(dim1=-2, dim2=-1)
    wrongly, missed = counts.sum(-2) - found, counts.sum(-1) - found
    return found, wrongly, missed, counts.sum((-1, -2)).unsqueeze(-1) - found - wrongly - missed


def share(hits: Tensor, tries: Tensor) -> Tensor:
    """hits / tries, and 0 where there was no try."""
    return torch.where(tries == 0, 0.0, hits / tries)


def _second_of_two(per_class: Tensor, name: str) -> Tensor:
    if per_class.shape[-1] != 2:
        raise MetricError(
            where=name,
            seen=f"average='binary' with {per_class.shape[-1]} classes",
            needed="two classes were needed, the second being the positive one",
            repair="average='macro' treats all classes alike; with class indices say options={'n_classes': 2}.",
        )
    return per_class[..., 1]

"""Means over numbers of a cost that each has: the additive state of relative errors, deviances and the like."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from steepest.core.errors import DomainError
from steepest.core.rows import Rows
from steepest.core.tally import Tally

from .numbers import WHERE, number_rows
from .sample_means import sample_means

Cost = Callable[[Tensor, Tensor], Tensor]


def number_means(cost: Cost, *checks: tuple[str, Callable[[Tensor], Tensor], str]) -> Tally:
    """A tally of [sum of w * cost(prediction, target), sum of w] (..., T, 2).

    checks: ("prediction" or "target", what is allowed, in words): other values are refused where the weight is not 0.
    """

    def accept(
        prediction: Tensor, target: Tensor, weight: Tensor | None = None, *, n_outputs: int | None = None
    ) -> Rows:
        rows = number_rows(prediction, target, weight, n_outputs=n_outputs)
        for name, allowed, said in checks:
            check(rows, name, allowed, said)
        return rows

    accept.__doc__ = number_rows.__doc__

    def each(rows: Rows) -> Tensor:
        return cost(rows.prediction, rows.target)

    return sample_means(accept, "numbers", each)


def check(rows: Rows, name: str, allowed: Callable[[Tensor], Tensor], said: str) -> None:
    values: Tensor = getattr(rows, name)
    wrong = ~allowed(values) & ~values.isnan()
    if rows.weight is not None:
        wrong = wrong & (rows.weight != 0).unsqueeze(-1)
    if bool(wrong.any()):
        place = wrong.nonzero()[0].tolist()
        first = values.expand(wrong.shape)[tuple(place)].item()
        raise DomainError(
            where=WHERE,
            seen=f"{name} is {first:g} at sample {place[-2]}",
            needed=f"it must be {said}",
            repair="To leave samples out give them weight 0; a model whose outputs are logarithms: prediction.exp().",
        )


def above_zero(x: Tensor) -> Tensor:
    return x > 0


def not_below_zero(x: Tensor) -> Tensor:
    return x >= 0


def above_minus_one(x: Tensor) -> Tensor:
    return x > -1

"""Plateau: the learning rate falls each time that a score has stopped improving, on top of any schedule."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from steepest.core.claims import never_above_one, never_rises, rests_while_improving
from steepest.core.domains import CountFromZero, NonNegative, OneOf, Unit, UnitOpen
from steepest.core.reduction import reduction

Best = Annotated[str, OneOf(("min", "max"))]


@reduction(
    formula="Max(floor, factor**k)",
    claims=[never_above_one, never_rises, rests_while_improving],
    use="Nobody knows how long training will take, and a score is measured every epoch: SGD on images, above all.",
    avoid="The number of steps is known: a schedule that ends with them needs no patience. Short runs, and noisy "
    "scores: the patience is over before they improve, and the rate falls too early.",
    differs={
        "torch.optim.lr_scheduler.ReduceLROnPlateau": "the same in its mode rel, with min_lr = floor * the first rate "
        "and eps = 0; it takes the place of a schedule, ours multiplies one",
        "keras.callbacks.ReduceLROnPlateau": "a score is better by an absolute min_delta",
    },
    source="torch.optim.lr_scheduler.ReduceLROnPlateau",
)
def plateau(
    scores: Tensor,
    *,
    best: Best = "min",
    factor: UnitOpen = 0.1,
    patience: CountFromZero = 10,
    threshold: NonNegative = 1e-4,
    cooldown: CountFromZero = 0,
    floor: Unit = 0.0,
) -> Tensor:
    """A score is better when it beats the best one by a share of it, the threshold; NaN never is. More than `patience`
    scores in a row that are not multiply the rate by factor, down to the floor; the next `cooldown` do not count.

    scores (n, *) -> (*). factor, threshold and floor may have one value per trial.
    """
    multiplier = torch.ones(scores.shape[1:], dtype=torch.float64)
    bad, cooling = torch.zeros_like(multiplier), torch.zeros_like(multiplier)
    sign = 1 if best == "min" else -1
    record = torch.full_like(multiplier, sign * torch.inf)
    for score in scores:
        is_better = sign * score < sign * record * (1 - sign * threshold)
        record = torch.where(is_better, score, record)
        is_waiting = cooling > 0
        bad = torch.where(is_better | is_waiting, 0.0, bad + 1)
        cooling = (cooling - 1).clamp(min=0)
        is_due = bad > patience
        lower = torch.maximum(multiplier * factor, torch.as_tensor(floor, dtype=torch.float64))
        multiplier = torch.where(is_due, torch.minimum(multiplier, lower), multiplier)
        cooling = torch.where(is_due, float(cooldown), cooling)
        bad = torch.where(is_due, 0.0, bad)
    return multiplier

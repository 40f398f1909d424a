"""Plateau: a lower learning rate each time that a score has stopped improving, on top of any schedule.

    scheduler = schedules.WarmupCosine(optimizer, horizon=10_000)
    plateau = schedules.Plateau(scheduler, patience=3)
    ...
    scheduler.step()         # after each optimizer step
    plateau.step(score)      # after each evaluation

The multiplier is a pure function of all scores so far, so what is saved is the list of scores, and a resumed run
repeats the same bits. A population calls `plateau` itself with a column of scores per trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from steepest.core.domains import Counts, Domain, Interval, NonNegative, OneOf, Unit, check_value

from .scheduler import ScheduledLR

Best = Literal["min", "max"]
DOMAINS: dict[str, Domain] = {
    "best": OneOf(("min", "max")),
    "factor": Interval(0.0, 1.0, open_high=True),
    "patience": Counts(0),
    "threshold": Interval(0.0),
    "cooldown": Counts(0),
    "floor": Interval(0.0, 1.0),
}


def plateau(
    scores: Tensor | Sequence[float],
    *,
    best: Best = "min",
    factor: Unit = 0.1,
    patience: int = 10,
    threshold: NonNegative = 1e-4,
    cooldown: int = 0,
    floor: Unit = 0.0,
) -> Tensor:
    """The multiplier after these scores: (n, *) -> (*), float64; 1 as long as they improve.

    A score counts as better when it beats the best one by a share of it, the threshold; NaN never does. More than
    `patience` scores in a row that are not better multiply by factor, down to the floor; then `cooldown` scores are not
    counted. factor, threshold and floor may have one value per trial.
    As torch.optim.lr_scheduler.ReduceLROnPlateau in its mode "rel", with min_lr = floor * the first rate.
    """
    history = torch.as_tensor(scores, dtype=torch.float64)
    multiplier = torch.ones(history.shape[1:], dtype=torch.float64)
    bad, cooling = torch.zeros_like(multiplier), torch.zeros_like(multiplier)
    sign = 1 if best == "min" else -1
    record = torch.full_like(multiplier, sign * torch.inf)
    for score in history:
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


class Plateau:
    """Lowers the learning rates of a scheduler of ours when the score stops improving; options: those of `plateau`."""

    def __init__(self, scheduler: ScheduledLR, **options: Any) -> None:
        """scheduler: any of `steepest.schedules`; `schedules.Constant(optimizer, 1)` where there is none."""
        for name, value in options.items():
            if name in DOMAINS:
                check_value("Plateau", name, value, DOMAINS[name])
        plateau((), **options)  # refuses an option that there is not
        self.scheduler, self.options = scheduler, options
        self.scores: list[float] = []

    @property
    def multiplier(self) -> float:
        return float(plateau(self.scores, **self.options))

    def step(self, score: float | Tensor) -> None:
        """Take in one more score; the optimizer's learning rates follow at once."""
        self.scores.append(float(score))
        self.scheduler.reduce(self.multiplier)

    def state_dict(self) -> dict[str, Any]:
        """The scores and the options; the scheduler saves itself."""
        return {"scores": list(self.scores), "options": dict(self.options)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.scores, self.options = list(state["scores"]), dict(state["options"])
        self.scheduler.reduce(self.multiplier)

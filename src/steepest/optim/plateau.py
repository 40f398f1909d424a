"""Plateau in a loop that steps a scheduler: a lower learning rate each time that a score has stopped improving.

    scheduler = schedules.WarmupCosine(optimizer, horizon=10_000)
    plateau = schedules.Plateau(scheduler, patience=3)
    ...
    scheduler.step()         # after each optimizer step
    plateau.step(score)      # after each evaluation

The multiplier is a pure function of all scores so far, so what is saved is the list of scores, and a resumed run
repeats the same bits.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .scheduler import ScheduledLR
from .schedules.plateau import plateau


class Plateau:
    """Lowers the learning rates of a scheduler of ours when the score stops improving; options: those of `plateau`."""

    def __init__(self, scheduler: ScheduledLR, **options: Any) -> None:
        """scheduler: any of `steepest.schedules`; `schedules.Constant(optimizer, 1)` where there is none."""
        plateau.check_hyper(options)
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

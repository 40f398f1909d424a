"""Trials whose learning rate answers to scores: what a plateau makes of those on the select part, epoch after epoch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .groups import places
from .trial import Trial


class Answering:
    """The scores of all trials so far, and the multipliers that follow; false where no trial has such a schedule."""

    def __init__(self, trials: Sequence[Trial], best: str) -> None:
        """best: "min" or "max", which scores are better."""
        keys = [(id(t.arm.reduction), tuple(sorted(t.arm.reduction_hyper.items()))) for t in trials]
        self._groups = [group for group in places(keys) if trials[group[0]].arm.reduction is not None]
        self._arms = [trials[group[0]].arm for group in self._groups]
        self._best = best
        self._scores = torch.empty(0, len(trials), dtype=torch.float64)

    def __bool__(self) -> bool:
        return bool(self._groups)

    def after(self, scores: Tensor) -> Tensor:
        """What each trial's schedule is multiplied by from now on: (K,) scores of one more epoch -> (K,)."""
        self._scores = torch.cat([self._scores, scores.double().cpu().unsqueeze(0)])
        found = torch.ones(self._scores.shape[1], dtype=torch.float64)
        for arm, group in zip(self._arms, self._groups):
            assert arm.reduction is not None
            found[group] = arm.reduction(self._scores[:, group], best=self._best, **arm.reduction_hyper)
        return found

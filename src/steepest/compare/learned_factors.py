"""Factors of a sum of losses that each trial learns beside its model, by how noisy each summand is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from steepest.core.trees import Layout

from .groups import stepper_of
from .trial import Arm, Trial

OF_NUMBERS, OF_CLASSES = 0.5, 1.0
"""The paper's constants: a squared error is twice the logarithm of a Gaussian, a cross-entropy the logarithm of a softmax."""


def constants_of(arm: Arm) -> list[float]:
    """c of each summand."""
    return [OF_NUMBERS if term.loss.target.name == "same" else OF_CLASSES for term in arm.terms]


class LearnedFactors:
    """Of trials that learn the same sum: c * exp(-s) * loss + s / 2 for each summand, with one s of each trial for each.

    s starts at 0 and steps as the trial's rule has it, at its learning rate, by itself: without weight decay and without the
    transforms that stand around the rule.
    Source: Kendall, Gal & Cipolla 2018, arXiv:1705.07115
    """

    def __init__(self, trials: Sequence[Trial], rows: Tensor, dtype: torch.dtype) -> None:
        """trials of one rule; rows (k,): their rows in the population."""
        numbers = constants_of(trials[0].arm)
        self._rows, self._constants = rows, torch.tensor(numbers, dtype=dtype, device=rows.device)
        self._values = torch.zeros(len(trials), len(numbers), dtype=dtype, device=rows.device)
        self._gradients = torch.zeros_like(self._values)
        arms = [replace(trial.arm, weight_decay=0.0, transforms=()) for trial in trials]
        stepper = stepper_of(arms, self._values, Layout((("log_variance", self._values.shape[1:]),)))
        self._move = stepper.bound(self._values, self._gradients)

    @property
    def factors(self) -> Tensor:
        """What each summand is multiplied by now, (k, T)."""
        return self._constants * torch.exp(-self._values)

    def by_row(self) -> dict[int, list[float]]:
        """The factors of each trial by its row in the population."""
        return dict(zip(self._rows.tolist(), self.factors.tolist()))

    def weigh(self, losses: Tensor) -> tuple[Tensor, Tensor]:
        """The sums (k,) of the trials' losses (k, T), and what each of these is multiplied by; keeps the gradient by s."""
        factors = self.factors
        weighed = factors * losses
        torch.sub(0.5, weighed, out=self._gradients)
        return (weighed + self._values / 2).sum(1), factors

    def step(self, rates: Tensor) -> None:
        """One step of every s; rates (K,): the learning rates of all trials."""
        self._move(rates.index_select(0, self._rows))

"""Transforms around the rule of neighbouring trials: the chain of an optimizer, with one number per trial."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

from steepest.core.per_trial import PerTrial
from steepest.core.transform import Use
from steepest.optim.chain import Chain, Leaf, Link

from .trial import Trial
from .weights import Weights


def chain_key(uses: Sequence[Use]) -> Hashable:
    """What trials that step together share: the transforms, and their counts."""
    return tuple((use.transform.name, *(use.settings[name] for name in use.transform.counts)) for use in uses)


class StackedChain:
    """The transforms of the trials of one rule; their parameters are views of the trials' rows."""

    def __init__(self, trials: Sequence[Trial], rows: slice, weights: Weights) -> None:
        arms = [trial.arm for trial in trials]
        self.chain = Chain([_link([arm.transforms[i] for arm in arms]) for i in range(len(arms[0].transforms))])
        peak = _numbers([trial.learning_rate for trial in trials])
        is_shrunk = arms[0].rule.decay == "decoupled" and any(arm.decay != 0 for arm in arms)
        self._decays = _numbers([arm.decay for arm in arms]) if is_shrunk else None
        self._leaves: list[Leaf] = []
        self._gradients: list[Tensor] = []
        for flat in weights.flats:
            values, gradients = flat.layout.views(flat.values[rows]), flat.layout.views(flat.gradients[rows])
            for name, value in values.items():
                self._gradients.append(_with_axes(gradients[name]))
                self._leaves.append(Leaf(_with_axes(value), self._gradients[-1], {}, peak, peak))
        self._before: list[Tensor] = []

    @property
    def looks_twice(self) -> bool:
        return self.chain.looks_twice

    def move_away(self) -> None:
        """Put the weights where the gradient is taken a second time."""
        self._before = [leaf.param.clone() for leaf in self._leaves]
        for leaf, gradient in zip(self._leaves, self._gradients):
            leaf.grad = gradient
        self.chain.displace(self._leaves)

    def move_back(self) -> None:
        for leaf, value in zip(self._leaves, self._before):
            leaf.param.copy_(value)

    def step(self, rates: Tensor, rule: Callable[[], None]) -> None:
        """One step of these trials; rates (k,); rule makes the rule's own step from the gradients in the rows."""
        lr = PerTrial(rates)
        for leaf, gradient in zip(self._leaves, self._gradients):
            leaf.grad, leaf.lr = gradient, lr
            leaf.shrinks = 1.0 if self._decays is None else 1 - lr * self._decays
        if self.chain.begin(self._leaves):
            for leaf, gradient in zip(self._leaves, self._gradients):
                if leaf.grad is not gradient:
                    gradient.copy_(leaf.grad)
            rule()
            self.chain.finish(self._leaves)

    @property
    def is_judged_elsewhere(self) -> bool:
        return any(link.transform.evaluated for link in self.chain.links)

    def put_evaluated(self) -> None:
        """Put the weights at which the trials are judged into their rows."""
        for leaf in self._leaves:
            averaged = self.chain.evaluated(leaf.states)
            if averaged is not None:
                leaf.param.copy_(averaged)


def _link(uses: Sequence[Use]) -> Link:
    """One transform of all trials."""
    transform = uses[0].transform
    settings: dict[str, Any] = {}
    for name in transform.hyper:
        values = [use.settings[name] for use in uses]
        settings[name] = values[0] if name in transform.counts else _numbers(values)
    return Link(transform, settings)


def _numbers(values: Sequence[float]) -> Any:
    """One number where all agree, else one per trial."""
    same = all(value == values[0] for value in values)
    return float(values[0]) if same else PerTrial(torch.tensor(values, dtype=torch.float64))


def _with_axes(value: Tensor) -> Tensor:
    """(K, *shape), a single number per trial as (K, 1)."""
    return value if value.dim() > 1 else value.unsqueeze(1)

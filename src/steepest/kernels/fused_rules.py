"""Update rules by torch's fused kernels: one pass over a trial's row in the cache, for rules that torch has fused.

On a CPU only, where a call per row costs less than the passes of a stacked step: 8 rows of 9,000 parameters, AdamW,
40 us a step against 160 to 205 (bench/population.py). tests/kernels holds each equal to its declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule

LONG_AGO = torch.tensor(1e9)
"""A step count at which nothing is left of Adam's bias correction."""


@dataclass
class Row:
    """One trial: its hyperparameters with weight_decay, its states (P,), numbers that it carries from step to step."""

    hyper: Mapping[str, Any]
    states: tuple[Tensor, ...] = ()
    carried: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """Where a step stands: t as torch's kernels read it, n the same as a number, memory (P,) for use within."""

    t: Tensor
    n: int
    scratch: Tensor


Step = Callable[[Tensor, Tensor, Row, Moment, float], None]
"""(param, grad, row, moment, lr): one step of one row, in place."""


def _adam(param: Tensor, grad: Tensor, row: Row, at: Moment, lr: float) -> None:
    _adam_by(torch._fused_adam_, param, grad, row, at, lr)


def _adamw(param: Tensor, grad: Tensor, row: Row, at: Moment, lr: float) -> None:
    _adam_by(torch._fused_adamw_, param, grad, row, at, lr)


def _adam_by(kernel: Any, param: Tensor, grad: Tensor, row: Row, at: Moment, lr: float) -> None:
    h, (m, v) = row.hyper, row.states
    kernel(
        [param],
        [grad],
        [m],
        [v],
        [],
        [at.t],
        lr=lr,
        beta1=h["beta1"],
        beta2=h["beta2"],
        weight_decay=h["weight_decay"],
        eps=h["eps"],
        amsgrad=False,
        maximize=False,
    )


def _nadamw(param: Tensor, grad: Tensor, row: Row, at: Moment, lr: float) -> None:
    """AdamW's step from m with another beta1 and learning rate.

    NAdamW goes along c_m m' + c_g g, with m' = b m + (1 - b) g: up to a factor, the mean of m and g by another b. The
    learning rate makes the factor good and undoes AdamW's bias correction.
    """
    h, (m, v) = row.hyper, row.states
    mu, mu_next = (h["beta1"] * (1 - 0.5 * 0.96 ** ((at.n + i) * h["momentum_decay"])) for i in (0, 1))
    row.carried["mu_product"] = product = row.carried.get("mu_product", 1.0) * mu
    c_m, c_g = mu_next / (1 - product * mu_next), (1 - mu) / (1 - product)
    mixed = c_m * h["beta1"] / (c_m + c_g)
    rate = lr * (c_m + c_g) * (1 - mixed**at.n)
    torch._fused_adamw_(
        [param],
        [grad],
        [at.scratch.copy_(m)],
        [v],
        [],
        [at.t],
        lr=rate,
        beta1=mixed,
        beta2=h["beta2"],
        weight_decay=h["weight_decay"] * lr / rate if rate else 0.0,
        eps=h["eps"],
        amsgrad=False,
        maximize=False,
    )
    m.lerp_(grad, 1 - h["beta1"])


def _rmsprop(param: Tensor, grad: Tensor, row: Row, at: Moment, lr: float) -> None:
    """Adam without memory of the gradient, long after its start."""
    h, (v, unused) = row.hyper, row.states
    torch._fused_adam_(
        [param],
        [grad],
        [unused],
        [v],
        [],
        [LONG_AGO],
        lr=lr,
        beta1=0.0,
        beta2=h["alpha"],
        weight_decay=h["weight_decay"],
        eps=h["eps"],
        amsgrad=False,
        maximize=False,
    )


def _sgd(param: Tensor, grad: Tensor, row: Row, at: Moment, lr: float) -> None:
    h = row.hyper
    torch._fused_sgd_(
        [param],
        [grad],
        list(row.states) if h["momentum"] else [],
        lr=lr,
        momentum=h["momentum"],
        nesterov=bool(h["nesterov"]),
        dampening=h["dampening"],
        weight_decay=h["weight_decay"],
        maximize=False,
        is_first_step=at.n == 1,
    )


def _adagrad(param: Tensor, grad: Tensor, row: Row, at: Moment, lr: float) -> None:
    h = row.hyper
    torch._fused_adagrad_(
        [param],
        [grad],
        list(row.states),
        [at.t],
        lr=lr,
        lr_decay=h["lr_decay"],
        weight_decay=h["weight_decay"],
        eps=h["eps"],
        maximize=False,
    )


STEPS: Mapping[str, Step] = {
    f"steepest.optim.rules.{step.__name__.lstrip('_')}": step
    for step in (_adam, _adamw, _nadamw, _rmsprop, _sgd, _adagrad)
}
"""By the file that declares the rule."""


class FusedRows:
    """K trials of one rule, row by row; `init` and `step` as those of optim.stacked.StackedRule."""

    def __init__(self, rule: Rule, hyper: Sequence[Mapping[str, Any]], weight_decay: Sequence[float]) -> None:
        """hyper, weight_decay: of each trial; what hyper leaves out has its default."""
        self.rule, self._step = rule, STEPS[rule.__module__]
        defaults = {h.name: h.default for h in rule.hyper.values()}
        self._rows = [Row({**defaults, **own, "weight_decay": decay}) for own, decay in zip(hyper, weight_decay)]

    def init(self, param: Tensor) -> None:
        """The states of trials that have made no step; param (K, P)."""
        self._n, self._t = 0, torch.zeros((), dtype=torch.float32)
        self._scratch = torch.empty_like(param[0])
        for row in self._rows:
            starts = [
                self.rule.initial.get(name, 0.0) for name in self.rule.states if name not in self.rule.scalar_states
            ]
            numbers = [row.hyper[start] if isinstance(start, str) else start for start in starts]
            row.states = tuple(torch.full_like(param[0], number) for number in numbers)

    @torch.no_grad()
    def step(self, param: Tensor, grad: Tensor, lr: Tensor) -> None:
        """One step of every trial, in place. param, grad (K, P); lr (K,)."""
        self._n += 1
        self._t += 1
        at = Moment(self._t, self._n, self._scratch)
        for p, g, row, rate in zip(param.unbind(), grad.unbind(), self._rows, lr.tolist()):
            self._step(p, g, row, at, rate)


def has_fused(rule: Rule, hyper: Sequence[Mapping[str, Any]], like: Tensor) -> bool:
    """Whether FusedRows can step these trials."""
    if rule.__module__ not in STEPS or like.device.type != "cpu" or like.dtype not in (torch.float32, torch.float64):
        return False
    return rule.name != "rmsprop" or all(h.get("momentum", 0.0) == 0 for h in hyper)

"""The picture of an item: value and gradient of a loss, multiplier of a schedule, first steps of an update rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule, Schedule
from steepest.core.item import Item
from steepest.core.loss import Loss

from .record import Panel, Series
from .vary import variants

N_POINTS = 121
HORIZON = 1000


def panels(item: Item, asked: dict[str, Any]) -> list[Panel]:
    """None, one or two panels; asked: hyperparameters that the reader named."""
    if isinstance(item, Loss):
        return _of_loss(item, asked)
    if isinstance(item, Schedule):
        return _of_schedule(item, asked)
    if isinstance(item, Rule) and item.looks_at == "elementwise":
        return _of_rule(item, asked)
    return []


# -- losses ---------------------------------------


@dataclass(frozen=True)
class Probe:
    """One number that is moved, and the input and target that it makes."""

    says: str
    low: float
    high: float
    input: Callable[[Tensor], Tensor]
    target: Callable[[Tensor], Tensor]


def _beside_zero(x: Tensor) -> Tensor:
    return torch.stack([x, torch.zeros_like(x)], 1)


def _two_log_probs(p: Tensor) -> Tensor:
    return torch.stack([p, 1 - p], 1).clamp(min=1e-12).log()


def _first_class(x: Tensor) -> Tensor:
    return torch.zeros(len(x), dtype=torch.long)


def _seventy_percent(x: Tensor) -> Tensor:
    return torch.tensor([0.7, 0.3], dtype=x.dtype).expand(len(x), 2)


PROBES = {
    ("parameters", "values"): Probe("location minus number, scale 1", -3, 3, _beside_zero, torch.zeros_like),
    ("same", "values"): Probe("prediction minus target", -3, 3, lambda x: x, torch.zeros_like),
    ("amounts", "values"): Probe("prediction, target 1", 0, 4, lambda x: x, torch.ones_like),
    ("amounts", "log_means"): Probe("logarithm of the prediction, target 1", -3, 3, lambda x: x, torch.ones_like),
    ("binary", "logits"): Probe("logit, label 1", -6, 6, lambda x: x, torch.ones_like),
    ("classes", "logits"): Probe("logit of the true class, the other at 0", -6, 6, _beside_zero, _first_class),
    ("classes", "values"): Probe("score of the true class, the other at 0", -2, 3, _beside_zero, _first_class),
    ("classes", "log_probs"): Probe("probability of the true class", 0.05, 1, _two_log_probs, _first_class),
    ("classes", "cosines"): Probe("cosine of the true class, the other at 0", -0.95, 0.95, _beside_zero, _first_class),
    ("distribution", "logits"): Probe(
        "logit of a class whose true share is 70 %", -6, 6, _beside_zero, _seventy_percent
    ),
    ("distribution", "log_probs"): Probe("probability, true share 70 %", 0.05, 0.95, _two_log_probs, _seventy_percent),
}


RELATIVE = Probe("prediction, target 1", -1, 4, lambda x: x, torch.ones_like)


def _probe(item: Loss, asked: dict[str, Any]) -> Probe | None:
    """By what the loss takes; a loss of numbers that looks at more than their difference is shown at target 1."""
    probe = PROBES.get((item.target.name, item.expects))
    if probe is not PROBES["same", "values"]:
        return probe
    hyper = variants(item, asked)[0][1]
    at_zero, at_one = (item(torch.tensor([y + 0.5]), torch.tensor([y]), **hyper) for y in (0.0, 1.0))
    return probe if torch.equal(at_zero, at_one) else RELATIVE


def _of_loss(item: Loss, asked: dict[str, Any]) -> list[Panel]:
    probe = _probe(item, asked)
    if probe is None:
        return []
    x = torch.linspace(probe.low, probe.high, N_POINTS, dtype=torch.float64)
    values, slopes = [], []
    for label, hyper in variants(item, asked):
        moved = x.clone().requires_grad_()
        value = item(probe.input(moved), probe.target(moved), reduction="none", **hyper)
        (slope,) = torch.autograd.grad(value.sum(), moved)
        values.append(Series(label, value.detach().tolist()))
        slopes.append(Series(label, slope.tolist()))
    return [Panel("value", probe.says, x.tolist(), values), Panel("gradient", probe.says, x.tolist(), slopes)]


# -- schedules ---------------------------------------


def _of_schedule(item: Schedule, asked: dict[str, Any]) -> list[Panel]:
    steps = torch.linspace(0, HORIZON, N_POINTS, dtype=torch.float64)
    lines = [
        Series(label, item(steps, HORIZON, **hyper).expand(N_POINTS).tolist()) for label, hyper in variants(item, asked)
    ]
    return [Panel("multiplier of the learning rate", f"step, of {HORIZON}", steps.tolist(), lines)]


# -- update rules ---------------------------------------

N_STEPS = 200
LOWEST = 1e-6
CURVATURE = (1.0, 20.0)
PUSH = 20


def _of_rule(rule: Rule, asked: dict[str, Any]) -> list[Panel]:
    """Down a narrow valley at three learning rates; and the answer to a gradient that is 1 for a while, then 0."""
    lr = rule.hyper["lr"]
    rates = [asked["lr"]] if "lr" in asked else lr.search.grid(3) if lr.search else [lr.default]
    hyper = {
        k: v
        for k, v in variants(rule, {k: v for k, v in asked.items() if k != "lr"}, skip=("lr",))[0][1].items()
        if k in asked
    }
    descents = [Series(f"lr = {rate:.3g}", _descent(rule, {**hyper, "lr": rate})) for rate in rates]
    kept = {k: v for k, v in asked.items() if k != "lr"}
    answers = [Series(label, _answer(rule, options)) for label, options in variants(rule, kept, skip=("lr",))]
    return [
        Panel(
            f"a valley {CURVATURE[1]:g} times steeper across than along: height",
            "step",
            [float(i) for i in range(N_STEPS + 1)],
            descents,
            True,
        ),
        Panel(
            f"step, in learning rates: gradient 1 for {PUSH} steps, then 0",
            "step",
            [float(i + 1) for i in range(3 * PUSH)],
            answers,
        ),
    ]


def _descent(rule: Rule, hyper: dict[str, Any]) -> list[float]:
    """Height above the minimum, from (1, 1), down to LOWEST; what climbs beyond 10 times the start is cut off."""
    curvature = torch.tensor(CURVATURE, dtype=torch.float64)
    at, heights = torch.ones(2, dtype=torch.float64), []
    walk = Walk(rule, hyper, at)
    for _ in range(N_STEPS + 1):
        heights.append(max(LOWEST, float((curvature * at * at).sum() / 2)))
        at = at - walk.step(curvature * at, at)
    top = 10 * heights[0]
    return [h if h <= top else float("nan") for h in heights]


def _answer(rule: Rule, hyper: dict[str, Any]) -> list[float]:
    at = torch.ones((), dtype=torch.float64)
    walk = Walk(rule, {**hyper, "lr": 1.0}, at)
    return [float(walk.step(torch.full((), float(i < PUSH), dtype=torch.float64), at)) for i in range(3 * PUSH)]


class Walk:
    """A rule's body stepping one small tensor, without weight decay."""

    def __init__(self, rule: Rule, hyper: dict[str, Any], like: Tensor) -> None:
        self.rule, self.t = rule, 0
        self.hyper = {**{name: h.default for name, h in rule.hyper.items()}, **hyper}
        self.states = {name: self._initial(name, like) for name in rule.states}

    def step(self, grad: Tensor, param: Tensor) -> Tensor:
        """What is subtracted from param."""
        self.t += 1
        seen = {"param": param} if self.rule.needs_param else {}
        step, *new = self.rule.fn(grad, **self.states, **seen, t=self.t, **self.hyper)
        self.states = dict(zip(self.rule.states, new))
        return torch.as_tensor(step)

    def _initial(self, name: str, like: Tensor) -> Any:
        start = self.rule.initial.get(name, 0.0)
        number = float(self.hyper[start]) if isinstance(start, str) else float(start)
        return number if name in self.rule.scalar_states else torch.full_like(like, number)

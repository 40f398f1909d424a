"""The picture of an item: value and gradient of a loss, multiplier of a schedule, first steps of an update rule."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule, Schedule
from steepest.core.errors import UsageError
from steepest.core.item import Item
from steepest.core.loss import Loss
from steepest.core.reduction import Reduction
from steepest.core.transform import Transform
from steepest.optim.tensors import Cell, state_shape, step_cells

from .probes import Probe, probes_of
from .record import Panel, Series
from .transform_curves import of_transform
from .vary import variants, varied

N_POINTS = 121
HORIZON = 1000


def panels(item: Item, asked: dict[str, Any], vary: str | None = None) -> list[Panel]:
    """None, one or two panels. asked: hyperparameters that the reader named; vary: the one that differs from line to line."""
    if isinstance(item, Loss):
        return _of_loss(item, asked, vary)
    if isinstance(item, Schedule):
        return _of_schedule(item, asked, vary)
    if isinstance(item, Reduction):
        return _of_reduction(item, asked, vary)
    if isinstance(item, Rule):
        try:
            return _of_rule(item, asked)
        except UsageError:  # it wants a closure instead of gradients, as LBFGS does
            return []
    return of_transform(item, asked) if isinstance(item, Transform) else []


def all_panels(item: Item) -> list[tuple[str, list[Panel]]]:
    """(what is varied, its panels): each number of a loss or schedule, and both labels where there are two."""
    if isinstance(item, Loss):
        names: list[str | None] = [*varied(item)] or [None]
        sets = [(name, _of_probe(item, probe, {}, name)) for name in names for probe in probes_of(item, {})]
        return [(name or "", drawn) for name, drawn in sets if name is None or _differ(drawn)] or _without_names(sets)
    if isinstance(item, (Schedule, Reduction)):
        return [(name or "", panels(item, {}, name)) for name in varied(item) or [None]]
    return [("", drawn) for drawn in [panels(item, {})] if drawn]


# -- losses ---------------------------------------


def _of_loss(item: Loss, asked: dict[str, Any], vary: str | None = None) -> list[Panel]:
    """Value and gradient in the first situation in which the lines differ, else in the first of all."""
    drawn = [_of_probe(item, probe, asked, vary) for probe in probes_of(item, asked)]
    return next((both for both in drawn if _differ(both)), drawn[0] if drawn else [])


def _of_probe(item: Loss, probe: Probe, asked: dict[str, Any], vary: str | None) -> list[Panel]:
    x = torch.linspace(probe.low, probe.high, N_POINTS, dtype=torch.float64)
    values, slopes = [], []
    for label, hyper in variants(item, asked, vary=vary):
        moved = x.clone().requires_grad_()
        value = probe.values(item, moved, hyper)
        (slope,) = torch.autograd.grad(value.sum(), moved)
        values.append(Series(label, value.detach().tolist()))
        slopes.append(Series(label, slope.tolist()))
    return [Panel("value", probe.says, x.tolist(), values), Panel("gradient", probe.says, x.tolist(), slopes)]


def _differ(drawn: list[Panel]) -> bool:
    """The lines of a panel are not all the same."""
    return any(line.y != panel.series[0].y for panel in drawn for line in panel.series[1:])


def _without_names(sets: list[tuple[str | None, list[Panel]]]) -> list[tuple[str, list[Panel]]]:
    """One line where a hyperparameter changes nothing that can be drawn."""
    return [("", [replace(panel, series=panel.series[:1]) for panel in drawn]) for _, drawn in sets[:1]]


# -- schedules ---------------------------------------


def _of_schedule(item: Schedule, asked: dict[str, Any], vary: str | None = None) -> list[Panel]:
    steps = torch.linspace(0, HORIZON, N_POINTS, dtype=torch.float64)
    lines = [
        Series(label, item(steps, HORIZON, **hyper).expand(N_POINTS).tolist())
        for label, hyper in variants(item, asked, vary=vary)
    ]
    return [Panel("multiplier of the learning rate", f"step, of {HORIZON}", steps.tolist(), lines)]


N_EVALUATIONS, IMPROVES = 60, 20


def _of_reduction(item: Reduction, asked: dict[str, Any], vary: str | None = None) -> list[Panel]:
    """A score that improves for a while and then stays, and the multiplier after each evaluation."""
    at = torch.arange(1, N_EVALUATIONS + 1, dtype=torch.float64)
    falls = (-(at.clamp(max=IMPROVES) / 8)).exp()
    scores = 1 - falls if asked.get("best") == "max" else falls
    x = at.tolist()
    lines = [
        Series(label, [float(item(scores[: int(n)], **hyper)) for n in x])
        for label, hyper in variants(item, asked, vary=vary)
    ]
    example = f"an example: the score improves until evaluation {IMPROVES}"
    multiplier = Panel("multiplier of the schedule", "evaluation", x, lines)
    return [Panel(example, "evaluation", x, [Series("score", scores.tolist())]), multiplier]


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
    """Height above the minimum, from (1, 1), down to LOWEST; it ends where it climbs beyond 10 times the start.

    A rule that looks at matrices walks down the same valley in each of two columns.
    """
    curvature = torch.tensor(CURVATURE, dtype=torch.float64)
    curvature = curvature.unsqueeze(1).expand(2, 2) if rule.looks_at == "matrix" else curvature
    at = torch.ones_like(curvature)
    heights: list[float] = []
    walk = Walk(rule, hyper, at)
    for _ in range(N_STEPS + 1):
        height = float((curvature * at * at).sum() / at.shape[-1])
        if not height <= 10 * (heights or [height])[0]:
            break
        heights.append(max(LOWEST, height))
        at = at - walk.step(curvature * at, at)
    return heights + [math.nan] * (N_STEPS + 1 - len(heights))


def _answer(rule: Rule, hyper: dict[str, Any]) -> list[float]:
    at = torch.ones((1, 1) if rule.looks_at == "matrix" else (1,), dtype=torch.float64)
    walk = Walk(rule, {**hyper, "lr": 1.0}, at)
    return [float(walk.step(torch.full_like(at, float(i < PUSH)), at)) for i in range(3 * PUSH)]


class Walk:
    """A rule stepping one small tensor, without weight decay."""

    def __init__(self, rule: Rule, hyper: dict[str, Any], like: Tensor) -> None:
        self.rule, self.t = rule, 0
        self.hyper = {**{name: h.default for name, h in rule.hyper.items()}, **hyper}
        self.states = {name: self._initial(name, like) for name in rule.states}

    def step(self, grad: Tensor, param: Tensor) -> Tensor:
        """What is subtracted from param."""
        self.t += 1
        scalars = {name: self.states[name] for name in self.rule.scalar_states}
        tensors = {name: value for name, value in self.states.items() if name not in scalars}
        numbers = {**self.hyper, **scalars, "t": float(self.t), "weight_decay": 0.0}
        cell = Cell(param.clone().unsqueeze(0), grad.unsqueeze(0), tensors, numbers)
        self.states.update(step_cells(self.rule, [cell])[0])
        return param - cell.param[0]

    def _initial(self, name: str, like: Tensor) -> Any:
        """A number where the state is one; None where such a tensor has no such state."""
        start = self.rule.initial.get(name, 0.0)
        if start == "param":
            return like.clone().unsqueeze(0)
        number = float(self.hyper[start]) if isinstance(start, str) else float(start)
        if name in self.rule.scalar_states:
            return number
        shape = state_shape(self.rule, name, like.shape, self.hyper)
        return None if shape is None else torch.full((1, *shape), number, dtype=like.dtype)

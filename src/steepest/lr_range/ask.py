"""From what is asked to a result: the arms and their grids of rates, the task, the runs."""

from __future__ import annotations

import itertools
import math
from typing import Any

from torch import nn

from steepest import metrics as metric_catalogue
from steepest.compare.ask import text_of
from steepest.compare.choice import Choice
from steepest.compare.space import loss_choices, rule_choices
from steepest.compare.suits import FITTING
from steepest.compare.task import DEFAULT_METRIC, Task
from steepest.compare.trial import Arm
from steepest.core.domains import Counts, Log, check_value
from steepest.core.errors import DomainError, UsageError
from steepest.core.progress import progress_of
from steepest.data import Data, load
from steepest.models import factory_of
from steepest.models.facts import Facts
from steepest.optim import schedules

from .curve import Curve, Setting
from .result import LearningRates
from .trials import measure

WIDER = 10.0
"""The grid goes beyond the rule's declared range by this factor on either side, to where it breaks."""


def asked_range(**asked: Any) -> LearningRates:
    """Check what is asked, run it, and say what came out."""
    for name in ("steps", "seeds", "n_rates", "batch_size"):
        check_value("lr_range", name, asked[name], Counts(3 if name == "n_rates" else 1))
    data = load(asked["data"], task=asked["task"])
    task = _task(asked, data)
    losses = loss_choices(asked["losses"] or FITTING[task.kind].split(",")[0])
    pairs = list(itertools.product(losses, map(_without_rate, rule_choices(asked["optimizers"]))))
    arms = [_arm(loss, rule) for loss, rule in pairs]
    for arm in arms:
        task.check(arm)
    rates = [_grid(rule, asked["rates"], asked["n_rates"]) for _, rule in pairs]
    bar = progress_of(asked["progress"])
    bar.start(sum(map(len, rates)) * asked["seeds"], f"{len(arms)} arms, {len(rates[0])} rates, {asked['seeds']} seeds")
    try:
        found = measure(task, arms, rates, asked["steps"], asked["seeds"], bar)
    finally:
        bar.stop()
    curves = [Curve(a.text, b.text, m.rates, m.losses, m.first) for (a, b), m in zip(pairs, found)]
    setting = Setting(text_of(asked["model"]), data.name, asked["steps"], asked["seeds"], task.batch_size)
    return LearningRates(tuple(curves), setting)


def _without_rate(rule: Choice) -> Choice:
    if "lr" in rule.options:
        raise UsageError(
            where="lr_range",
            seen=f"{rule.text} names its learning rate",
            needed="an optimizer without one was needed: rates are what is tried",
            repair="Leave lr out; rates=(1e-5, 1e-1) says where to look.",
        )
    return rule


def _arm(loss: Choice, rule: Choice) -> Arm:
    options = {name: value for name, value in rule.options.items() if name != "weight_decay"}
    return Arm(
        loss=loss.item,  # type: ignore[arg-type]
        loss_options=loss.options,
        rule=rule.item,  # type: ignore[arg-type]
        rule_hyper=options,
        schedule=schedules.constant,
        weight_decay=rule.options.get("weight_decay"),
        transforms=rule.transforms,
        name=f"{loss.text} + {rule.text}",
    )


def _grid(rule: Choice, asked: tuple[float, float] | None, n: int) -> tuple[float, ...]:
    """n rates, evenly spaced in the logarithm, rounded to three digits."""
    if asked is None:
        search = rule.item.hyper["lr"].search or Log(1e-4, 1e-1)
        low, high = search.grid(2)[0] / WIDER, search.grid(2)[1] * WIDER
    else:
        low, high = map(float, asked)
    if not 0 < low < high < math.inf:
        raise DomainError(
            where="lr_range",
            seen=f"rates go from {low:g} to {high:g}",
            needed="two positive numbers were needed, the lower one first",
            repair="For example rates=(1e-5, 1.0).",
        )
    return tuple(float(f"{rate:.3g}") for rate in Log(low, high).grid(n))


def _task(asked: dict[str, Any], data: Data) -> Task:
    build, facts = factory_of(asked["model"]), Facts.of(data)

    def model() -> nn.Module:
        return build(facts)

    metric = metric_catalogue[DEFAULT_METRIC[data.task]]
    return Task(model, data, metric, batch_size=asked["batch_size"], seed=asked["seed"])

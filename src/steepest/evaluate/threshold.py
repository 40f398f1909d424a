"""From which probability on to say yes: chosen on rows set aside, judged on the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from steepest import metrics as catalogue
from steepest.core.calls import parse_call
from steepest.core.domains import Interval, check_value
from steepest.core.errors import UsageError, did_you_mean

from .answers import Answers
from .numbers import number_of
from .record import Number, Threshold

SHOWN = ("accuracy", "precision", "recall", "f1")
Value = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def threshold(rule: str, aside: Answers, rest: Answers, level: float) -> Threshold:
    """The threshold of the second of two classes.

    rule: "fbeta(beta=2)" for the highest F-beta, "cost(miss=5, false_alarm=1)" for the lowest cost,
    "recall(least=0.95)" for the highest precision among thresholds that find so many.
    """
    value = _best(_rule(rule), aside)
    chosen, usual = (_shown(_cut_at(rest, at), level) for at in (value, 0.5))
    return Threshold(rule, rest.names[1], value, len(aside), len(rest), chosen, usual)


def _cut_at(found: Answers, p: float) -> Answers:
    """The answers with that threshold: scores whose larger one names the class."""
    margin = (found.probabilities[:, 1] >= p).double() - 0.5
    return replace(found, scores=torch.stack([-margin, margin], 1))


def _shown(found: Answers, level: float) -> list[Number]:
    of_two = {"average": "binary"}
    return [number_of(catalogue[name], found, level, {} if name == "accuracy" else of_two) for name in SHOWN]


def _best(value: Value, found: Answers) -> float:
    """The probability from which on the value of hits, false alarms, misses and right rejections is highest."""
    weight = torch.ones(len(found), dtype=torch.float64) if found.weight is None else found.weight
    p, order = found.probabilities[:, 1].sort(descending=True, stable=True)
    yes, w = found.target[order].double(), weight[order]
    zero = torch.zeros(1, dtype=torch.float64)
    hits, alarms = (torch.cat([zero, (w * part).cumsum(0)]) for part in (yes, 1 - yes))
    values = value(hits, alarms, hits[-1] - hits, alarms[-1] - alarms)
    # between two samples of the same probability no threshold can pass
    is_edge = torch.cat([torch.ones(1, dtype=torch.bool), p[1:] < p[:-1], torch.ones(1, dtype=torch.bool)])
    at = int(torch.where(is_edge, values, -torch.inf).argmax())
    below = float(p[at]) if at < len(p) else 0.0
    above = float(p[at - 1]) if at > 0 else 1.0
    return (above + below) / 2


def _rule(text: str) -> Value:
    name, options = parse_call(text, "threshold")
    known: dict[str, Callable[..., Value]] = {"fbeta": _fbeta, "f1": _fbeta, "cost": _cost, "recall": _recall}
    if name not in known:
        raise UsageError(
            where="threshold",
            seen=f"there is no rule {name!r}",
            needed="f1, fbeta, cost or recall was needed",
            repair=did_you_mean(name, known),
        )
    try:
        return known[name](**options)
    except TypeError as error:
        raise UsageError(
            where=f"threshold={text!r}",
            seen=str(error).partition("() ")[2] or str(error),
            needed="options of the rule were needed",
            repair='"fbeta(beta=2)", "cost(miss=5, false_alarm=1)" or "recall(least=0.95)".',
        ) from error


def _fbeta(beta: float = 1.0) -> Value:
    check_value("fbeta", "beta", beta, Interval(0.0))
    return lambda hits, alarms, misses, rejected: torch.nan_to_num(
        (1 + beta**2) * hits / ((1 + beta**2) * hits + beta**2 * misses + alarms)
    )


def _cost(miss: float = 1.0, false_alarm: float = 1.0) -> Value:
    for name, value in (("miss", miss), ("false_alarm", false_alarm)):
        check_value("cost", name, value, Interval(0.0))
    return lambda hits, alarms, misses, rejected: -(miss * misses + false_alarm * alarms)


def _recall(least: float = 0.95) -> Value:
    check_value("recall", "least", least, Interval(0.0, 1.0))

    def value(hits: Tensor, alarms: Tensor, misses: Tensor, rejected: Tensor) -> Tensor:
        found = hits / (hits + misses).clamp(min=1e-300)
        precision = torch.nan_to_num(hits / (hits + alarms))
        return torch.where(found >= least, precision, found - 1.0)

    return value

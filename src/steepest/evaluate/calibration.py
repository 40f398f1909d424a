"""Whether probabilities mean what they say: the reliability diagram, and a temperature fitted on rows set aside."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from steepest import metrics as catalogue
from steepest.core.interval import normal_quantile, wilson

from .answers import Answers
from .numbers import number_of
from .record import Bin, Calibration, Number

MOST_BINS = 15
LEAST_IN_BIN = 20
AFTER = ("log_loss", "brier", "expected_calibration_error")
STEPS = 60


def reliability(found: Answers, level: float) -> list[Bin]:
    """Bins of equal numbers of samples, from the least to the most sure; of labels, each label is a sample.

    The band of a bin is Wilson's interval of the share that was right: where it misses the diagonal, the model is too
    sure or not sure enough.
    """
    sure, right = _sure_and_right(found)
    n_bins = max(1, min(MOST_BINS, len(sure) // LEAST_IN_BIN))
    order = sure.argsort(stable=True)
    bins = []
    for rows in order.tensor_split(n_bins):
        hits, n = right[rows].sum(), torch.tensor(float(len(rows)), dtype=torch.float64)
        low, high = wilson(hits, n, level)
        bins.append(Bin(len(rows), float(sure[rows].mean()), float(hits / n), float(low), float(high)))
    return bins


def _sure_and_right(found: Answers) -> tuple[Tensor, Tensor]:
    """How sure the model is of what it says, and 1.0 where it is right."""
    p = found.probabilities
    if found.kind == "multilabel":
        return torch.maximum(p, 1 - p).flatten(), (found.predicted == found.target).double().flatten()
    return p.max(1).values, found.is_right


def calibration(found: Answers, aside: Answers | None, rest: Answers, level: float) -> Calibration:
    """The diagram of all rows; the temperature of `aside` and what it does to `rest`, which it has not seen."""
    bins = reliability(found, level)
    if aside is None or found.kind != "classification" or len(aside) < LEAST_IN_BIN:
        return Calibration(bins)
    temperature = fitted_temperature(aside, level)
    cooled = replace(rest, scores=rest.scores / temperature.value)
    before, after = (_shown(part, level) for part in (rest, cooled))
    return Calibration(bins, temperature, len(aside), len(rest), before, after)


def _shown(found: Answers, level: float) -> list[Number]:
    return [number_of(catalogue[name], found, level, {}) for name in AFTER]


def fitted_temperature(found: Answers, level: float) -> Number:
    """The factor by which logits are divided so that the log loss is least; above 1 the model is too sure.

    The interval is by the curvature of the log loss. Source: Guo et al. 2017, arXiv:1706.04599
    """
    low, high = math.log(1e-2), math.log(1e2)
    for _ in range(STEPS):  # the log loss is convex in 1 / T: its slope changes its sign once
        middle = (low + high) / 2
        slope, _ = _slopes(found, math.exp(-middle))
        low, high = (low, middle) if slope > 0 else (middle, high)
    inverse = math.exp(-(low + high) / 2)
    _, curvature = _slopes(found, inverse)
    spread = float(normal_quantile((1 + level) / 2)) / math.sqrt(max(curvature, 1e-300))
    ends = 1 / (inverse + spread), 1 / max(inverse - spread, 1e-2)
    return Number("temperature", 1 / inverse, ends[0], ends[1], best="", method="curvature")


def _slopes(found: Answers, inverse: float) -> tuple[float, float]:
    """Minus the first, and the second derivative of the summed log loss by the inverse temperature."""
    x, weight = found.scores, torch.ones(len(found), dtype=torch.float64) if found.weight is None else found.weight
    p = (x * inverse).softmax(1)
    mean = (p * x).sum(1)
    own = x.gather(1, found.target.unsqueeze(1)).squeeze(1)
    variance = (p * (x - mean.unsqueeze(1)).square()).sum(1)
    return float((weight * (own - mean)).sum()), float((weight * variance).sum())

"""Bi-tempered: cross-entropy with a bounded logarithm for wrong labels far off and a heavy-tailed softmax for those near the border."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor

from steepest.core.claims import bounded, nonnegative, proper, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.digits import number
from steepest.core.domains import Interval, Linear, Unit
from steepest.core.targets import Classes, classes

AtLeastOne = Annotated[float | Tensor, Interval(low=1.0)]
N_STEPS = 8
"""Newton steps towards the normaliser; a test looks at rows of all sizes, whether their odds sum to 1 then."""
COLD = 1e-20
"""What a temperature of 1 is beside 1: log(1 + COLD * x) / COLD is x to the last digit."""
NEAR, N_TERMS = 0.05, 10
"""Below so many nats the cost of the own class is a series of so many terms: a difference would lose their digits."""


def _plain(x: list[list[float]], y: list[int], t1: float, t2: float) -> list[float]:
    def exp(u: float) -> float:
        return math.exp(u) if t2 == 1 else max(0.0, 1 + (1 - t2) * u) ** (1 / (1 - t2))

    def log(p: float) -> float:
        return math.log(p) if t1 == 1 else (p ** (1 - t1) - 1) / (1 - t1)

    found = []
    for row, true in zip(x, y):
        low, high = max(row), max(row) + len(row) ** t2 + 1e3
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if sum(exp(a - middle) for a in row) > 1 else (low, middle)
        odds = [exp(a - low) for a in row]
        found.append(-log(odds[true]) - (1 - sum(p ** (2 - t1) for p in odds)) / (2 - t1))
    return found


@loss(
    slow=_plain,
    target=classes,
    expects="logits",
    claims=[
        nonnegative,
        shift_invariant,
        rewards_true_class,
        bounded("1/(1 - t1)").at(t1=0.8),
        proper.at(t1=0.8, t2=1.0),
    ],
    search={"t1": Linear(0.2, 1), "t2": Linear(1, 3)},
    task="classification",
    good_for=["noisy-labels"],
    use="Labels of which some are wrong: no sample costs more than 1/(1 - t1), and the tail of t2 lets go of those at the border.",
    avoid="Clean labels, where it only slows learning down; take cross_entropy, or gce for one knob instead of two.",
    source="Amid et al. 2019, Robust bi-tempered logistic loss based on Bregman divergences, arXiv:1906.03361",
    differs={
        "google bi-tempered-loss": "finds the normaliser in 5 steps of another iteration; t2 below 1 is not taken here"
    },
)
def bi_tempered(input: Tensor, target: Classes, *, t1: Unit = 0.8, t2: AtLeastOne = 1.2) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). t1 = t2 = 1 is cross_entropy; with t2 above 1 a softmax gives other odds.

    Soft labels: without the term of the label alone.
    """
    heat = (number(t2, input) - 1).clamp(min=COLD)
    tilt = (1 - number(t1, input)).clamp(min=COLD)
    nats = _tempered_surprise(input, heat)
    every = (-(1 + tilt) * nats).exp() / (1 + tilt)
    own = torch.where(nats < NEAR, _near(nats.clamp(max=NEAR), tilt), _falling(nats, tilt) - _falling(nats, 1 + tilt))
    at = input.argmax(1, keepdim=True)
    # Beside a sure class a sum of its own, not what a difference of sums near 1 leaves.
    rest = every.scatter(1, at, 0.0).sum(1, keepdim=True)
    others = (every.gather(1, at) + rest - every).scatter(1, at, rest)
    return target.expect(own + others)


def _falling(nats: Tensor, rate: Tensor) -> Tensor:
    """(1 - exp(-rate * nats)) / rate, the integral of exp(-rate s) from 0 to nats."""
    return -torch.expm1(-rate * nats) / rate


def _near(nats: Tensor, rate: Tensor) -> Tensor:
    """_falling(nats, rate) - _falling(nats, 1 + rate), the integral of exp(-rate s) (1 - exp(-s)) from 0 to nats."""
    total = torch.zeros_like(nats)
    for m in range(N_TERMS, 0, -1):
        total = ((1 + rate) ** m - rate**m) / math.factorial(m + 1) - nats * total
    return nats.square() * total


def _tempered_surprise(logits: Tensor, heat: Tensor) -> Tensor:
    """Minus the logarithm of the tempered softmax along dim 1, (N, C, *): log(1 + heat * gap) / heat of the gap to a normaliser.

    The normaliser is a root: Newton steps in float32 come near it without a gradient, and two more from there have all its
    digits and the right first and second derivatives, since the error of a step is the square of the error before it.
    """
    top, at = logits.max(1, keepdim=True)
    below = (top - logits).scatter(1, at, 0.0)
    rough, level = below.detach().clamp(max=1e30).float(), torch.zeros_like(top, dtype=torch.float32)
    for _ in range(N_STEPS):
        level = _nearer(level, rough, at, heat.detach().float())
    level = level.to(top.dtype)
    for _ in range(2):
        level = _nearer(level, below, at, heat)
    return (heat * (level + below)).log1p() / heat


def _nearer(level: Tensor, below: Tensor, at: Tensor, heat: Tensor) -> Tensor:
    """A Newton step for (sum of odds)^-heat = 1, a concave function of the level and a straight line where all logits tie.

    The greatest logit's odds are kept apart as 1 + expm1, so that what is missing to 1 is not lost in rounding.
    """
    warmth = heat * (level + below)
    nats = warmth.log1p() / heat
    odds = (-nats).exp()
    slopes = (odds / (1 + warmth)).sum(1, keepdim=True)
    excess = odds.scatter(1, at, torch.expm1(-nats.gather(1, at))).sum(1, keepdim=True)
    return level + (1 + excess) * torch.expm1(heat * excess.log1p()) / heat / slopes

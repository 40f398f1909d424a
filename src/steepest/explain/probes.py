"""What the picture of a loss moves: one number, and the input and target that it makes, by the kind of its target."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from steepest.core.loss import Loss

from .vary import variants


@dataclass(frozen=True)
class Probe:
    """The item at each point of x: input(x) and target(x) have one row per point.

    Where is_batch, items see each other: there they make one batch of a single number x, whose first item is drawn.
    """

    says: str
    low: float
    high: float
    input: Callable[[Tensor], Tensor]
    target: Callable[[Tensor], Tensor | None]
    is_batch: bool = False

    def values(self, loss: Loss, x: Tensor, hyper: dict[str, Any]) -> Tensor:
        """The loss at each point, differentiable by x."""
        if not self.is_batch:
            return loss(self.input(x), self.target(x), reduction="none", **hyper).flatten(1 - x.dim())[: len(x)]

        def first(point: Tensor) -> Tensor:
            return loss(self.input(point), self.target(point), reduction="none", **hyper)[0]

        return torch.vmap(first)(x)


# -- inputs -------------------------------------------------------------------------------------------------------------


def _itself(x: Tensor) -> Tensor:
    return x


def _beside_zero(x: Tensor) -> Tensor:
    return torch.stack([x, torch.zeros_like(x)], 1)


def _before_zeros(x: Tensor) -> Tensor:
    return torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], 1)


def _two_log_probs(p: Tensor) -> Tensor:
    return torch.stack([p, 1 - p], 1).clamp(min=1e-12).log()


def _two_steps(x: Tensor) -> Tensor:
    """The second of two steps two logits harder than the first."""
    return torch.stack([x + 1, x - 1], 1)


def _region(x: Tensor) -> Tensor:
    """A line of ten pixels, the first three inside."""
    sign = torch.tensor([1.0] * 3 + [-1.0] * 7, dtype=x.dtype)
    return (x.unsqueeze(1) * sign).unsqueeze(1)


def _shifted_box(x: Tensor) -> Tensor:
    still = torch.zeros_like(x)
    return torch.stack([x, still, x + 1, still + 1], 1)


def _at(degrees: Tensor) -> Tensor:
    """Points of the unit circle (..., 2)."""
    angle = degrees * (math.pi / 180)
    return torch.stack([angle.cos(), angle.sin()], -1)


def _anchor_partner_stranger(x: Tensor) -> Tensor:
    return _at(torch.stack([torch.zeros_like(x), torch.full_like(x, 60.0), -x]))


def _two_views_of_two(x: Tensor) -> Tensor:
    """The first sample's views at 0 and x, both of the second at -60 degrees."""
    far = torch.full_like(x, -60.0)
    return _at(torch.stack([torch.stack([torch.zeros_like(x), x]), torch.stack([far, far])]))


def _logit_of_a_label(x: Tensor) -> Tensor:
    """Blank and two labels over four steps; that of the first label is moved at every step."""
    still = torch.zeros_like(x)
    return torch.stack([still, x, still], 1).unsqueeze(2).expand(len(x), 3, 4)


# -- targets ------------------------------------------------------------------------------------------------------------


def _rows(*row: float) -> Callable[[Tensor], Tensor]:
    """The same row of numbers at each point."""
    return lambda x: torch.tensor(row, dtype=x.dtype).expand(len(x), len(row))


def _class(index: int) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.full((len(x),), index)


def _number(value: float) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.full_like(x, value)


def _inside_region(x: Tensor) -> Tensor:
    return _rows(*[1.0] * 3 + [0.0] * 7)(x).unsqueeze(1)


PROBES = {
    ("parameters", "values"): Probe("location minus number, scale 1", -3, 3, _beside_zero, torch.zeros_like),
    ("same", "values"): Probe("prediction minus target", -3, 3, _itself, torch.zeros_like),
    ("amounts", "values"): Probe("prediction, target 1", 0, 4, _itself, torch.ones_like),
    ("amounts", "log_means"): Probe("logarithm of the prediction, target 1", -3, 3, _itself, torch.ones_like),
    ("multilabel", "logits"): Probe(
        "logit of a label of 1, those of two of 0 at 0", -6, 6, _before_zeros, _rows(1, 0, 0)
    ),
    ("multilabel", "values"): Probe(
        "score of a label of 1, those of two of 0 at 0", -3, 3, _before_zeros, _rows(1, 0, 0)
    ),
    ("classes", "logits"): Probe("logit of the true class, the other at 0", -6, 6, _beside_zero, _class(0)),
    ("classes", "values"): Probe("score of the true class, the other at 0", -2, 3, _beside_zero, _class(0)),
    ("classes", "log_probs"): Probe("probability of the true class", 0.05, 1, _two_log_probs, _class(0)),
    ("classes", "cosines"): Probe("cosine of the true class, the other at 0", -0.95, 0.95, _beside_zero, _class(0)),
    ("distribution", "logits"): Probe(
        "logit of a class whose true share is 70 %", -6, 6, _beside_zero, _rows(0.7, 0.3)
    ),
    ("distribution", "log_probs"): Probe("probability, true share 70 %", 0.05, 0.95, _two_log_probs, _rows(0.7, 0.3)),
    ("teacher", "logits"): Probe(
        "student's logit, teacher's at 1, the other class at 0", -6, 6, _beside_zero, _rows(1, 0)
    ),
    ("preferences", "values"): Probe(
        "log-probability of the chosen answer minus the rejected one's, reference 0", -30, 30, _beside_zero, _rows(0, 0)
    ),
    ("ordinal", "logits"): Probe("mean of two logits 2 apart, the middle class of three", -6, 6, _two_steps, _class(1)),
    ("regions", "logits"): Probe("logit of 3 pixels inside, minus that of 7 outside", -6, 6, _region, _inside_region),
    ("regions", "values"): Probe("score of 3 pixels inside, minus that of 7 outside", -3, 3, _region, _inside_region),
    ("vectors", "values"): Probe("angle between both, in degrees", -180, 180, _at, _rows(1, 0)),
    ("boxes", "values"): Probe("shift of a box, in its widths", -2, 2, _shifted_box, _rows(0, 0, 1, 1)),
    ("lists", "values"): Probe("score of the wanted entry, two others at 0", -4, 4, _before_zeros, _rows(1, 0, 0)),
    ("sequence", "logits"): Probe(
        "logit of the one label of a line, at each of 4 steps",
        -6,
        6,
        _logit_of_a_label,
        lambda x: _class(1)(x).unsqueeze(1),
    ),
    ("embeddings", "values"): Probe(
        "angle to another label's sample, in degrees; one's own at 60",
        1,
        180,
        _anchor_partner_stranger,
        lambda x: torch.tensor([0, 0, 1]),
        is_batch=True,
    ),
    ("views", "values"): Probe(
        "angle between both views, in degrees; another sample at 60",
        0,
        180,
        _two_views_of_two,
        lambda x: None,
        is_batch=True,
    ),
}
RELATIVE = Probe("prediction, target 1", -1, 4, _itself, torch.ones_like)
BINARY = {
    "logits": ("logit", -6, 6),
    "values": ("score", -3, 3),
    "probs": ("probability", 0.02, 0.98),
    "cosines": ("cosine", -1, 1),
}


def probes_of(item: Loss, asked: dict[str, Any]) -> list[Probe]:
    """By what the loss takes: both labels where there are two, target 1 where more than the difference counts."""
    if item.target.name == "binary":
        says, low, high = BINARY.get(item.expects, BINARY["values"])
        return [Probe(f"{says}, label {y}", low, high, _itself, _number(y)) for y in (1, 0)]
    probe = PROBES.get((item.target.name, item.expects))
    if probe is None or probe is not PROBES["same", "values"]:
        return [] if probe is None else [probe]
    hyper = variants(item, asked)[0][1]
    at_zero, at_one = (item(torch.tensor([y + 0.5]), torch.tensor([y]), **hyper) for y in (0.0, 1.0))
    return [probe if torch.equal(at_zero, at_one) else RELATIVE]

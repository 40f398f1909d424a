"""KD: a student learns the odds that a teacher gives to all classes, softened by a temperature."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from steepest.core.claims import (
    bounded_gradient,
    convex,
    minimum_at_target,
    nonnegative,
    shift_invariant,
    zero_at_target,
)
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.logits import surprise
from steepest.core.targets import teacher


def _plain(x: Any, y: Any, temperature: float) -> list[float]:
    values = []
    for student, master in zip(x, y):
        p, q = ([math.exp(v / temperature) for v in row] for row in (master, student))
        p, q = ([v / sum(row) for v in row] for row in (p, q))
        values.append(temperature**2 * sum(a * math.log(a / b) for a, b in zip(p, q)))
    return values


@loss(
    slow=_plain,
    target=teacher,
    expects="logits",
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, shift_invariant.at(temperature=2.0), bounded_gradient("temperature")],
    search={"temperature": Log(1, 20)},
    task="distillation",
    good_for=["default"],
    use="A small model that imitates a large one; add cross_entropy on the true labels where there are any.",
    avoid="A teacher no better than the labels: cross_entropy. A teacher that gives only probabilities: kl_div.",
    source="Hinton, Vinyals & Dean 2015, arXiv:1503.02531",
    class_name="KD",
)
def kd(input: Tensor, target: Tensor, *, temperature: Positive = 2.0) -> Tensor:
    """Student's and teacher's logits (N, C, *) -> (N, *). Unit: nats times temperature squared, so gradients keep their size."""
    theirs, ours = surprise(target / temperature), surprise(input / temperature)
    return temperature**2 * ((-theirs).exp() * (ours - theirs)).sum(1)

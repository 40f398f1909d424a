"""DPO: raise the chosen answer's probability above the rejected one's, measured against a reference model."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.logits import softplus
from steepest.core.targets import preferences


def _plain(x: Any, y: Any, beta: float) -> list[float]:
    return [math.log(1 + math.exp(-beta * ((a - b) - (c - d)))) for (a, b), (c, d) in zip(x, y)]


@loss(
    slow=_plain,
    target=preferences,
    claims=[nonnegative, convex, bounded_gradient("beta")],
    search={"beta": Log(0.01, 1)},
    task="preferences",
    good_for=["default"],
    use="Tuning a language model on pairs of a chosen and a rejected answer, without a reward model.",
    avoid="Answers that are judged one by one. Long runs: only the difference counts, so the chosen answer may "
    "become rarer as well.",
    source="Rafailov et al. 2023, arXiv:2305.18290",
    class_name="DPO",
)
def dpo(input: Tensor, target: Tensor, *, beta: Positive = 0.1) -> Tensor:
    """Log-probabilities of the chosen and the rejected answer (N, 2), under the model and the reference -> (N,). Unit: nats."""
    gain = input - target
    return softplus(-beta * (gain[:, 0] - gain[:, 1]))

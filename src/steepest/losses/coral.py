"""CORAL and CORN: ordered classes as a chain of yes-or-no questions, more than the first, more than the second, and so on."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative
from steepest.core.declare import loss
from steepest.core.logits import softplus
from steepest.core.targets import Levels, ordinal


def _plain_coral(x: Any, y: Any) -> list[float]:
    return [sum(math.log(1 + math.exp(-s if label > k else s)) for k, s in enumerate(row)) for row, label in zip(x, y)]


@loss(
    slow=_plain_coral,
    target=ordinal,
    expects="logits",
    claims=[nonnegative, convex, bounded_gradient(1)],
    task="ordinal",
    use="Ordered classes (grades, ages) from a model whose last layer has one weight vector and a bias per step.",
    avoid="Steps with weights of their own: they may then contradict each other, and corn does not. Classes without "
    "order: cross_entropy.",
    differs={
        "coral_pytorch coral_loss": "takes the levels as rows of 0 and 1, ours the classes",
    },
    source="Cao, Mirjalili & Raschka 2020, arXiv:1901.07884",
)
def coral(input: Tensor, target: Levels) -> Tensor:
    """Logits (N, C-1, *), one per step; classes (N, *) in 0..C-1 -> (N, *): the sum over the steps. Unit: nats.

    The class is the number of logits above 0. They fall from step to step only if the steps share their weights.
    """
    return softplus(torch.where(target.passed(input), -input, input)).sum(1)


def _plain_corn(x: Any, y: Any) -> list[float]:
    return [
        sum(math.log(1 + math.exp(-s if label > k else s)) for k, s in enumerate(row) if label >= k)
        for row, label in zip(x, y)
    ]


@loss(
    slow=_plain_corn,
    target=ordinal,
    expects="logits",
    claims=[nonnegative, convex, bounded_gradient(1)],
    task="ordinal",
    good_for=["default"],
    use="Ordered classes from any model with C-1 outputs: consistent without shared weights.",
    avoid="Top classes with few samples: step k learns only from samples of class k and above. Classes without "
    "order: cross_entropy.",
    differs={
        "coral_pytorch corn_loss": "divides by the number of questions that were asked, ours by the number of samples",
    },
    source="Shi, Cao & Raschka 2021, arXiv:2111.08851",
)
def corn(input: Tensor, target: Levels) -> Tensor:
    """Logits (N, C-1, *), one per step; classes (N, *) in 0..C-1 -> (N, *): the sum over the steps that are asked. Unit: nats.

    Step k is asked of samples of class k or above, so sigmoid gives P(more than k | at least k); their running product is
    P(more than k). The paper divides by the number of questions, here a mean divides by that of samples.
    """
    costs = softplus(torch.where(target.passed(input), -input, input))
    return torch.where(target.reached(input), costs, 0.0).sum(1)

"""Hard bootstrap: cross-entropy against a mixture of the label and the class that the model itself holds most likely."""

from __future__ import annotations

import math
from typing import Annotated

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Interval, Linear
from steepest.core.logits import surprise
from steepest.core.targets import Classes, classes

Trust = Annotated[float | Tensor, Interval(0.5, 1.0)]


def slow(x: list[list[float]], y: list[int], *, beta: float) -> list[float]:
    """Item by item in plain numbers."""
    return [math.log(sum(map(math.exp, row))) - beta * row[true] - (1 - beta) * max(row) for row, true in zip(x, y)]


@loss(
    slow=slow,
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, bounded_gradient(1)],
    search={"beta": Linear(0.6, 1)},
    task="classification",
    use="Labels of which some are wrong, once the model is better than chance; beta is the trust in the label, 1 is cross-entropy.",
    avoid="The first epochs: an untrained model confirms itself. Few wrong labels: hard samples are overruled with "
    "them; cross_entropy.",
    source="Reed et al. 2014, Training deep neural networks on noisy labels with bootstrapping, arXiv:1412.6596",
)
def bootstrap_hard(input: Tensor, target: Classes, *, beta: Trust = 0.8) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats."""
    nats = surprise(input)
    believed = nats.gather(1, input.argmax(1, keepdim=True))
    return target.expect(beta * nats + (1 - beta) * believed)

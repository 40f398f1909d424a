"""Binary cross-entropy: minus the logarithm of the probability that the sigmoid gives to the label, for each output by itself."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, proper
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.logits import softplus
from steepest.core.targets import binary


@loss(
    formula="pos_weight*y*log(1 + exp(-x)) + (1 - y)*log(1 + exp(x))",
    target=binary,
    expects="logits",
    claims=[nonnegative, convex, proper.at(pos_weight=1.0), bounded_gradient("Max(1, pos_weight)")],
    equals="torch.nn.BCEWithLogitsLoss",
    search={"pos_weight": Log(0.1, 100)},
    task="binary",
    good_for=["default"],
    use="Two classes with one logit, or several labels per sample; pos_weight trades precision for recall.",
    source="Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x",
    class_name="BCEWithLogits",
)
def bce_with_logits(input: Tensor, target: Tensor, *, pos_weight: Positive = 1.0) -> Tensor:
    """Logits (N, *), labels in [0, 1] (N, *) -> (N, *). Unit: nats. pos_weight: a number, or one per entry of the last axis."""
    return pos_weight * target * softplus(-input) + (1 - target) * softplus(input)

"""Sigmoid focal: binary cross-entropy times (1 - p)^gamma of the right answer, for rare labels among very many."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Linear, NonNegative, UnitInside
from steepest.core.logits import missing, softplus
from steepest.core.targets import binary


@loss(
    formula="alpha*y*(1/(1 + exp(x)))**gamma*log(1 + exp(-x)) + (1 - alpha)*(1 - y)*(1/(1 + exp(-x)))**gamma*log(1 + exp(x))",
    target=binary,
    expects="logits",
    claims=[nonnegative, bounded_gradient("1 + gamma*exp(-1)")],
    search={"gamma": Linear(0, 5), "alpha": Linear(0.1, 0.9)},
    task="binary",
    good_for=["anything", "imbalanced"],
    use="Detection: few positives among very many easy negatives. alpha weighs label 1, 1 - alpha label 0; 0.5 weighs both alike.",
    avoid="Labels that are about as often 1 as 0, or probabilities used as they are: bce_with_logits. alpha = 0.25 "
    "weighs label 1 less.",
    differs={
        "torchvision.ops.sigmoid_focal_loss": "the same for labels of 0 and 1; alpha = -1 leaves the weights out; its "
        "default reduction is none, ours mean",
        "keras.losses.BinaryFocalCrossentropy": "alpha acts only with apply_class_balancing=True; takes "
        "probabilities unless from_logits=True",
        "optax.sigmoid_focal_loss": "no alpha by default, which is twice ours at alpha = 0.5",
        "pytorch_optimizer FocalLoss": "alpha multiplies both labels alike and is 1 by default, which is twice ours "
        "at alpha = 0.5",
        "kornia.losses.binary_focal_loss_with_logits": "the same formula and defaults; its default reduction is "
        "none; ignored pixels stay in the mean",
    },
    source="Lin et al. 2017, arXiv:1708.02002",
)
def sigmoid_focal(input: Tensor, target: Tensor, *, gamma: NonNegative = 2.0, alpha: UnitInside = 0.25) -> Tensor:
    """Logits (N, *), labels in [0, 1] (N, *) -> (N, *). Unit: nats. Soft labels: the mean over hard ones, unlike torchvision's.

    alpha = 0.5 is half of the loss without alpha.
    """
    one, zero = softplus(-input), softplus(input)
    return alpha * target * missing(one) ** gamma * one + (1 - alpha) * (1 - target) * missing(zero) ** gamma * zero

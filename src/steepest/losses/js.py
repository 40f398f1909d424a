"""JS divergence: how far two distributions lie apart, between 0 and log 2, the same from either side."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from steepest.core.claims import bounded, bounded_gradient, minimum_at_target, nonnegative, shift_invariant, zero_at_target
from steepest.core.declare import loss
from steepest.core.logits import surprise
from steepest.core.targets import distribution


@loss(
    formula="Sum(Piecewise((y[j]*log(2*y[j]/(y[j] + exp(x[j])/Sum(exp(x[i]), (i, 0, C - 1)))), y[j] > 0), (0, True))"
    " + exp(x[j])/Sum(exp(x[i]), (i, 0, C - 1))"
    "*log(2*exp(x[j])/(y[j]*Sum(exp(x[i]), (i, 0, C - 1)) + exp(x[j]))), (j, 0, C - 1))/2",
    target=distribution,
    expects="logits",
    claims=[nonnegative, zero_at_target, minimum_at_target, shift_invariant, bounded(math.log(2)), bounded_gradient(1)],
    task="classification",
    use="Targets that are distributions of which some are wrong: unlike kl_div it is bounded, and a share of 0 is no disaster.",
    avoid="Hard labels: cross_entropy. A start that is sure and wrong: the loss is bounded, so its slope there is "
    "nearly 0; kl_div.",
    differs={
        "kornia.losses.js_div_loss_2d": "the same divergence of two maps of probabilities, over their pixels; ours "
        "takes logits over classes",
        "timm JsdCrossEntropy": "another thing: cross_entropy plus the divergence between augmented copies of a batch",
    },
    source="Lin 1991, Divergence measures based on the Shannon entropy, doi:10.1109/18.61115",
    class_name="JS",
)
def js(input: Tensor, target: Tensor) -> Tensor:
    """Logits (N, C, *), probabilities (N, C, *) -> (N, *): one item is one row. Unit: nats."""
    nats = surprise(input)
    p = (-nats).exp()
    both = p + target
    is_there = both > 0
    both = torch.where(is_there, both, 1.0)
    lean = (p - target) / both
    log_half = (both / 2).log()
    # log(2p / both) and log(2 target / both): by log1p while they are not far below 0, else as a difference.
    from_p = torch.where(lean > -0.5, lean.clamp(min=-0.5).log1p(), -nats - log_half)
    log_target = torch.where(target > 0, target, 1.0).log()
    far = torch.where(target > 0, log_target - log_half, 0.0)
    from_target = torch.where(lean < 0.5, (-lean.clamp(max=0.5)).log1p(), far)
    return (target * from_target + p * from_p).sum(1) / 2

"""ZLPR: each label of a sample must score above 0 and every other one below, however many there are of each."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative
from steepest.core.declare import loss
from steepest.core.logits import surprise
from steepest.core.partners import among
from steepest.core.targets import multilabel


@loss(
    formula="log(1 + Sum(y[j]*exp(-x[j]), (j, 0, C - 1))) + log(1 + Sum((1 - y[j])*exp(x[j]), (j, 0, C - 1)))",
    target=multilabel,
    expects="logits",
    claims=[nonnegative, convex, bounded_gradient(1)],
    task="binary",
    good_for=["imbalanced"],
    use="Several labels per sample, few of very many: the absent ones compete in one sum and cannot drown the rest.",
    avoid="Where each label's own probability is needed; take bce_with_logits.",
    source="Su et al. 2022, ZLPR: A novel loss for multi-label classification, arXiv:2208.02955",
    class_name="ZLPR",
)
def zlpr(input: Tensor, target: Tensor) -> Tensor:
    """Logits (N, C, *), labels in [0, 1] (N, C, *) -> (N, *). Unit: nats. A sample bears the labels whose logit is above 0.

    Soft labels: at the best logits sigmoid(2 x) is the label.
    """
    return _log_one_plus(-input, target) + _log_one_plus(input, 1 - target)


def _log_one_plus(scores: Tensor, share: Tensor) -> Tensor:
    """log(1 + the sum of share * exp(score) over axis 1)."""
    is_there = share > 0
    top = among(scores, is_there).amax(1, keepdim=True).clamp(min=0.0).detach()
    below = scores - top  # what is added must not be rounded to units of a large logit
    rivals = among(below + torch.where(is_there, share, 1.0).log(), is_there)
    return surprise(torch.cat([-top, rivals], 1))[:, 0]

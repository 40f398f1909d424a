"""KL divergence: how many nats a predicted distribution loses against the true one."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, minimum_at_target, nonnegative, shift_invariant, zero_at_target
from steepest.core.declare import loss
from steepest.core.logits import surprise
from steepest.core.targets import distribution


@loss(
    formula="Sum(y[j]*(log(Sum(exp(x[i]), (i, 0, C - 1))) - x[j]), (j, 0, C - 1))"
    " + Sum(Piecewise((y[j]*log(y[j]), y[j] > 0), (0, True)), (j, 0, C - 1))",
    target=distribution,
    expects="logits",
    claims=[nonnegative, zero_at_target, minimum_at_target, convex, shift_invariant, bounded_gradient(1)],
    equals="torch.nn.KLDivLoss",
    equals_with={"reduction": "batchmean"},
    equals_input=lambda input: input.log_softmax(1),
    task="classification",
    use="Targets that are distributions themselves: distillation, annotators who disagree.",
    avoid="Hard labels: cross_entropy takes the indices and costs the same. Shares of which some are wrong: js is "
    "bounded.",
    differs={
        "torch.nn.KLDivLoss": "takes log-probabilities; its default mean divides by rows times classes, "
        "reduction='batchmean' by rows, as ours",
        "keras.losses.KLDivergence": "takes probabilities, both clipped at 1e-7",
        "optax.kl_divergence": "takes log-probabilities, without a reduction",
    },
    source="Kullback & Leibler 1951, doi:10.1214/aoms/1177729694",
    class_name="KLDiv",
)
def kl_div(input: Tensor, target: Tensor) -> Tensor:
    """Logits (N, C, *), probabilities (N, C, *) -> (N, *): one item is one row, so the mean is torch's batchmean. Unit: nats."""
    return (torch.xlogy(target, target) + target * surprise(input)).sum(1)

"""Multi-label soft margin: the mean of binary cross-entropy over the labels of a sample, which is then one item."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative
from steepest.core.declare import loss
from steepest.core.logits import softplus
from steepest.core.targets import multilabel


@loss(
    formula="Sum(y[j]*log(1 + exp(-x[j])) + (1 - y[j])*log(1 + exp(x[j])), (j, 0, C - 1))/C",
    target=multilabel,
    expects="logits",
    claims=[nonnegative, convex, bounded_gradient(1)],
    task="binary",
    use="Several labels per sample where weights and masks are of samples; for those of single labels take bce_with_logits.",
    avoid="Where most labels are absent: their easy terms drown the rest; take zlpr or asl.",
    source="torch.nn.MultiLabelSoftMarginLoss; Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x",
    differs={
        "torch.nn.MultiLabelSoftMarginLoss": "the classes are on the last axis there, on axis 1 here; its weight is of classes",
    },
)
def multilabel_soft_margin(input: Tensor, target: Tensor) -> Tensor:
    """Logits (N, C, *), labels in [0, 1] (N, C, *) -> (N, *). Unit: nats. A sample bears the labels whose logit is above 0."""
    return (target * softplus(-input) + (1 - target) * softplus(input)).mean(1)

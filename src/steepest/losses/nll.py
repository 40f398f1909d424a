"""NLL: minus the logarithm of the true class's probability, for models that end in log_softmax."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, proper, rewards_true_class
from steepest.core.declare import loss
from steepest.core.targets import Classes, classes


@loss(
    formula="-x[y]",
    target=classes,
    expects="log_probs",
    claims=[nonnegative, convex, proper, rewards_true_class, bounded_gradient(1)],
    equals="torch.nn.NLLLoss",
    task="classification",
    use="When the model already ends in log_softmax; otherwise cross_entropy does both and is more accurate.",
    few_roundings=True,
    avoid="Plain logits: nothing refuses them, and the loss then falls without end; cross_entropy takes logits.",
    differs={
        "torch.nn.NLLLoss": "the same, but for NaN where all is ignored, ours 0",
    },
    source="Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",
    class_name="NLL",
)
def nll(input: Tensor, target: Classes) -> Tensor:
    """Log-probabilities (N, C, *), classes (N, *) -> (N, *). Unit: nats. Probabilities: from_probs=True."""
    return target.expect(-input)

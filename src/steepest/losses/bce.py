"""BCE: minus the logarithm of the probability given to the label, for models that end in a sigmoid."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import bounded, nonnegative, proper
from steepest.core.declare import loss
from steepest.core.targets import binary

LOWEST = -100.0
"""The logarithm of a probability of 0, as in torch: one wrong and certain sample must not make the loss infinite."""
LEAST = 2.0**-126
"""What is less counts as 0: the slope of its logarithm would be no float32."""


@loss(
    formula="-y*Piecewise((log(x), x > 2**(-126)), (-100, True)) - (1 - y)*Piecewise((log(1 - x), 1 - x > 2**(-126)), (-100, True))",
    target=binary,
    expects="probs",
    safe=(0.5, 0.5),
    claims=[nonnegative, proper, bounded(100)],
    equals="torch.nn.BCELoss",
    task="binary",
    use="When the model already ends in a sigmoid; otherwise bce_with_logits does both and is more accurate.",
    avoid="Where the model can give logits: a float32 sigmoid is exactly 1 above 17, and learns nothing there; take bce_with_logits.",
    source="Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x; the limit of 100: torch.nn.BCELoss",
    differs={"torch.nn.BCELoss": "a weighted mean divides by the number of elements there, by the sum of weights here"},
    class_name="BCE",
)
def bce(input: Tensor, target: Tensor) -> Tensor:
    """Probabilities in [0, 1] (N, *), labels in [0, 1] (N, *) -> (N, *). Unit: nats.

    The logarithm of 0 (of what is below 1.2e-38) is -100, and has no slope.
    """
    is_never, is_sure = input < LEAST, input == 1
    log = torch.where(is_never, LOWEST, torch.where(is_never, 1.0, input).log())
    log_rest = torch.where(is_sure, LOWEST, (-torch.where(is_sure, 0.0, input)).log1p())
    return -target * log - (1 - target) * log_rest

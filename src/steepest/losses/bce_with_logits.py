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
    avoid="One of several classes that exclude each other: cross_entropy. Outputs that went through a sigmoid: pass "
    "from_probs=True.",
    differs={
        "torch.nn.SoftMarginLoss": "labels are 1 and -1 there, 1 and 0 here; the values are the same",
        "torch.nn.BCEWithLogitsLoss": "with weight= its mean divides by the number of elements, ours by the sum of "
        "the weights; a target of 2 is taken without a word, ours is an error",
        "keras.losses.BinaryCrossentropy": "takes probabilities unless from_logits=True; label_smoothing as here: "
        "s/2 on each side",
        "segmentation_models_pytorch SoftBCEWithLogitsLoss": "smooth_factor takes s from each side, ours s/2: its s "
        "is our 2s; ignored pixels stay in the mean",
        "timm BinaryCrossEntropy": "smooths by 0.1 unless told otherwise: class labels to s/C and 1 - s + s/C",
    },
    source="Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x",
    class_name="BCEWithLogits",
)
def bce_with_logits(input: Tensor, target: Tensor, *, pos_weight: Positive = 1.0) -> Tensor:
    """Logits (N, *), labels in [0, 1] (N, *) -> (N, *). Unit: nats. pos_weight: a number, or one per entry of the last axis."""
    return pos_weight * target * softplus(-input) + (1 - target) * softplus(input)

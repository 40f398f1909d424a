"""Focal: cross-entropy times (1 - p)^gamma, so that what is already right stops drowning what is still wrong."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Linear, NonNegative
from steepest.core.logits import missing, surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="(1 - exp(x[y])/Sum(exp(x[j]), (j, 0, C - 1)))**gamma*(log(Sum(exp(x[j]), (j, 0, C - 1))) - x[y])",
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, rewards_true_class, bounded_gradient("1 + gamma*exp(-1)")],
    search={"gamma": Linear(0, 5)},
    task="classification",
    good_for=["anything", "imbalanced"],
    use="Strong imbalance or many easy samples; its probabilities are too timid and want calibration. alpha is class_weight.",
    avoid="Probabilities that are used as they are: its optimum is less sure than the truth. Wrong labels: it takes "
    "them for hard samples.",
    differs={
        "keras.losses.CategoricalFocalCrossentropy": "multiplies all classes alike by alpha = 0.25, so it is a "
        "quarter of ours; takes probabilities unless from_logits=True, and clips them at 1e-7",
        "kornia.losses.focal_loss": "its mean divides by the number of classes too; alpha weighs class 0 by 1 - "
        "alpha and all others by alpha; ignored pixels stay in the mean",
        "monai.losses.FocalLoss": "sigmoid per class unless use_softmax=True, and its mean divides by the number of "
        "classes too",
        "segmentation_models_pytorch FocalLoss": "mode multiclass is a mean of sigmoid_focal, one class against the "
        "rest, not a softmax",
    },
    source="Lin et al. 2017, arXiv:1708.02002",
)
def focal(input: Tensor, target: Classes, *, gamma: NonNegative = 2.0) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. gamma = 0 is cross-entropy."""
    nats = surprise(input)
    return target.expect(missing(nats) ** gamma * nats)

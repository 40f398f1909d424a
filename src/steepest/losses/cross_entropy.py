"""Cross-entropy: minus the logarithm of the probability that the softmax gives to the true class."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, proper, rewards_true_class, shift_invariant
from steepest.core.declare import loss
from steepest.core.logits import surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="log(Sum(exp(x[j]), (j, 0, C - 1))) - x[y]",
    target=classes,
    expects="logits",
    claims=[nonnegative, convex, proper, shift_invariant, rewards_true_class, bounded_gradient(1)],
    equals="torch.nn.CrossEntropyLoss",
    task=["classification", "segmentation"],
    good_for=["default"],
    use="The default for one label per sample: honest probabilities, fast training.",
    avoid="Wrong labels, each of which may cost any amount: gce or symmetric_ce. Several labels per sample: "
    "bce_with_logits.",
    differs={
        "torch.nn.CrossEntropyLoss": "with class weights and probabilities as targets its mean divides by the number "
        "of samples, with labels by their weights; ours by the weights in both, so one-hot rows equal labels. NaN "
        "where all is ignored, ours 0",
        "keras.losses.CategoricalCrossentropy": "takes probabilities unless from_logits=True; class axis last; with "
        "sample_weight the mean divides by the number of samples",
        "timm LabelSmoothingCrossEntropy": "the same as label_smoothing=",
    },
    source="Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x; label smoothing: Szegedy et al. 2016, arXiv:1512.00567",
)
def cross_entropy(input: Tensor, target: Classes) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats."""
    return target.expect(surprise(input))

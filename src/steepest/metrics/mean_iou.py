"""Mean intersection over union of segmentations: overlap of the predicted and the true region, each class alike."""

from __future__ import annotations

from torch import Tensor

from steepest.core.declare import metric

from .averages import Average, averaged
from .confusion import confusion
from .jaccard import tries


@metric(
    counts=confusion,
    task="classification",
    best="max",
    unit="share",
    equals="sklearn.metrics.jaccard_score",
    equals_with={"average": "macro", "zero_division": 0},
    formula="mean over classes c of n_cc / (sum_p n_cp + sum_t n_tc - n_cc)",
    use="Segmentation: pixels are the samples, and their counts are added over all images.",
    avoid="Small objects in few images: dice with groups=, or the share of objects that were found.",
    source="scikit-learn user guide, jaccard_score",
)
def mean_iou(state: Tensor, *, average: Average = "macro") -> Tensor:
    """Counts (..., C, C) -> (...), over the classes that occur in target or prediction.

    Pixels of one image are not independent: give interval(rows, groups=image of each pixel).
    """
    return averaged(*tries(state), state, average, "mean_iou")

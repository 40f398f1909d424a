"""InfoNCE: each view of a sample must find the other one among the views of all samples; both ways, as in CLIP."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive
from steepest.core.logits import surprise
from steepest.core.partners import Views, among, plain_cosine, products, unit, views


def _plain(x: Any, y: None, temperature: float) -> list[float]:
    values = []
    for i, (a, b) in enumerate(x):
        there = [plain_cosine(a, other[1]) / temperature for other in x]
        back = [plain_cosine(other[0], b) / temperature for other in x]
        values.append(sum(math.log(sum(map(math.exp, row))) - row[i] for row in (there, back)) / 2)
    return values


@loss(
    slow=_plain,
    target=views,
    claims=[nonnegative],
    search={"temperature": Log(0.01, 1)},
    task="embedding",
    use="Pairs that belong together and no labels: two augmentations, image and text. Large batches; siglip needs them less.",
    avoid="Small batches, where finding the partner is easy: siglip. Labels, or doubles in a batch: true partners "
    "count as wrong; supcon.",
    differs={
        "pytorch_metric_learning NTXentLoss": "one direction, over pairs of one label, with all samples of other "
        "labels as alternatives; ours compares first views with second ones",
        "optax.losses.ntxent": "one direction, over pairs of one label, with all samples of other labels as "
        "alternatives",
    },
    source="van den Oord et al. 2018, arXiv:1807.03748; both ways: Radford et al. 2021, arXiv:2103.00020",
    class_name="InfoNCE",
)
def info_nce(input: Tensor, target: Views, *, temperature: Positive = 0.07) -> Tensor:
    """Two embeddings of each sample (N, 2, D), scaled to length 1 here; no target -> (N,). Unit: nats.

    The mean of both directions. A masked sample is nobody's alternative.
    """
    x = unit(input)
    nearness = among(products(x[:, 0], x[:, 1]) / temperature, target.living)
    if len(nearness) == 0:
        return nearness.diagonal()
    return (surprise(nearness).diagonal() + surprise(nearness.mT).diagonal()) / 2

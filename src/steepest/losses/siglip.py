"""SigLIP: every pairing of two views is a yes-or-no question of its own, so the batch may be small or large."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive, Real
from steepest.core.logits import softplus
from steepest.core.partners import Views, plain_cosine, products, unit, views


def _plain(x: Any, y: None, temperature: float, bias: float) -> list[float]:
    values = []
    for i, (a, _) in enumerate(x):
        scores = [plain_cosine(a, other[1]) / temperature + bias for other in x]
        values.append(sum(math.log(1 + math.exp(-s if j == i else s)) for j, s in enumerate(scores)))
    return values


@loss(
    slow=_plain,
    target=views,
    claims=[nonnegative],
    search={"temperature": Log(0.01, 1)},
    task="embedding",
    use="Pairs that belong together, in batches of any size: image and text. temperature and bias want to be learned.",
    avoid="Labels at hand: supcon. temperature and bias held at their start: they are where training begins, not "
    "where it ends.",
    source="Zhai et al. 2023, arXiv:2303.15343",
    class_name="SigLIP",
)
def siglip(input: Tensor, target: Views, *, temperature: Positive = 0.1, bias: Real = -10.0) -> Tensor:
    """Two embeddings of each sample (N, 2, D), scaled to length 1 here; no target -> (N,): the sum over all second views.

    The paper's t is 1 / temperature, its b is bias; its start is the default. A masked sample is nobody's alternative.
    """
    x = unit(input)
    scores = products(x[:, 0], x[:, 1]) / temperature + bias
    sign = 1 - 2 * torch.eye(len(scores), dtype=scores.dtype, device=scores.device)
    return torch.where(target.living, softplus(sign * scores), 0.0).sum(1)

"""Circle: similarities of one label are pulled up and of others pushed down, each the harder the farther it is from its aim."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.domains import Linear, Log, Positive, UnitInside
from steepest.core.logits import softplus
from steepest.core.partners import Partners, among, embeddings, plain_cosine, products, unit


def _plain(x: Any, y: Any, margin: float, scale: float, still: Any = None) -> list[float]:
    values, then = [], still or x
    for i, anchor in enumerate(x):
        up = down = 0.0
        for j, other in enumerate(x):
            s, before = plain_cosine(anchor, other), plain_cosine(then[i], then[j])
            if j != i and y[j] == y[i]:
                up += math.exp(-scale * max(0.0, 1 + margin - before) * (s - 1 + margin))
            elif j != i:
                down += math.exp(scale * max(0.0, before + margin) * (s - margin))
        values.append(math.log(1 + up * down))
    return values


@loss(
    slow=_plain,
    target=embeddings(needs_same=True, needs_other=True),
    claims=[nonnegative],
    search={"margin": Linear(0.1, 0.5), "scale": Log(16, 256)},
    task="embedding",
    use="Learning embeddings from labels where the few hard pairs should lead: retrieval, re-identification, faces.",
    avoid="Small batches or wrong labels, since the hardest pairs count most; take supcon or contrastive.",
    source="Sun et al. 2020, Circle loss: a unified perspective of pair similarity optimization, arXiv:2002.10857",
    holds="how far each similarity is from its aim, the factor by which it is pulled",
)
def circle(input: Tensor, target: Partners, *, margin: UnitInside = 0.4, scale: Positive = 80.0) -> Tensor:
    """Embeddings (N, D), scaled to length 1 here; labels (N,) -> (N,), one per anchor. Unit: nats.

    The paper's m and gamma. An anchor without both kinds of partners is no item; a masked sample is nobody's partner.
    """
    x = unit(input)
    nearness = products(x, x)
    up = scale * (1 + margin - nearness.detach()).relu() * (1 - margin - nearness)  # type: ignore[operator]
    down = scale * (nearness.detach() + margin).relu() * (nearness - margin)
    return softplus(among(up, target.same).logsumexp(1) + among(down, target.other).logsumexp(1))

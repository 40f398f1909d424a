"""ListNet and ListMLE: the scores of a list as odds of who comes first, or of the whole order."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, shift_invariant
from steepest.core.declare import loss
from steepest.core.lists import Lists, ranked_lists
from steepest.core.logits import surprise
from steepest.core.partners import among


def _log_sum_exp(numbers: list[float]) -> float:
    return math.log(sum(map(math.exp, numbers)))


def _plain_listnet(x: Any, y: Any) -> list[float]:
    return [
        sum(math.exp(want - _log_sum_exp(row)) * (_log_sum_exp(scores) - score) for score, want in zip(scores, row))
        for scores, row in zip(x, y)
    ]


@loss(
    slow=_plain_listnet,
    target=ranked_lists(needs_pairs=False),
    claims=[nonnegative, convex, shift_invariant, bounded_gradient(1)],
    task="ranking",
    use="Ranking where the top of the list counts most and relevances are graded.",
    avoid="Relevances of 0 and 1: their softmax prefers the wanted ones by no more than e to 1; scale them up, or "
    "take ranknet.",
    differs={
        "optax.ranking_softmax_loss": "weighs by the relevances themselves, ours by their softmax",
    },
    source="Cao et al. 2007, doi:10.1145/1273496.1273513 (its top-one form)",
    class_name="ListNet",
)
def listnet(input: Tensor, target: Lists) -> Tensor:
    """Scores (N, L), relevances (N, L) -> (N,): cross-entropy of the softmax of scores against that of relevances. Unit: nats."""
    wanted = among(target.relevance, target.living).softmax(1)
    return torch.where(target.living, wanted * surprise(among(input, target.living)), 0.0).sum(1)


def _plain_listmle(x: Any, y: Any) -> list[float]:
    values = []
    for scores, row in zip(x, y):
        ordered = [scores[k] for k in sorted(range(len(row)), key=lambda k: -row[k])]
        values.append(sum(_log_sum_exp(ordered[k:]) - ordered[k] for k in range(len(ordered))))
    return values


@loss(
    slow=_plain_listmle,
    target=ranked_lists(needs_pairs=False),
    claims=[nonnegative, convex, shift_invariant],
    task="ranking",
    use="Ranking where the whole order counts; ties keep the order in which they are given.",
    avoid="Many ties: the order in which tied entries stand is learned as if it were true; then listnet or ranknet.",
    source="Xia et al. 2008, doi:10.1145/1390156.1390306",
    class_name="ListMLE",
)
def listmle(input: Tensor, target: Lists) -> Tensor:
    """Scores (N, L), relevances (N, L) -> (N,): minus the logarithm of the true order's probability. Unit: nats."""
    place = target.relevance.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    # Entry i competes with those that stand at or after its own place; a sum per entry, so that nothing is subtracted.
    rivals = (place.unsqueeze(2) <= place.unsqueeze(1)) & target.living.unsqueeze(1)
    scores = input.unsqueeze(1).expand(*input.shape, input.shape[1])
    own = torch.eye(input.shape[1], dtype=torch.bool, device=input.device)
    costs = surprise(among(scores, rivals | own).mT).diagonal(dim1=1, dim2=2)
    return torch.where(target.living, costs, 0.0).sum(1)

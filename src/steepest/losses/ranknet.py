"""RankNet: of each two entries of a list, the more relevant one should have the higher score."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, nonnegative, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import Log, NonNegative
from steepest.core.lists import Lists, plain_pairs, ranked_lists
from steepest.core.logits import softplus


def _plain(x: Any, y: Any) -> list[float]:
    return [
        sum(math.log(1 + math.exp(scores[j] - scores[i])) for i, j in plain_pairs(row)) / len(plain_pairs(row))
        for scores, row in zip(x, y)
    ]


@loss(
    slow=_plain,
    target=ranked_lists(needs_pairs=True),
    claims=[nonnegative, convex, shift_invariant, bounded_gradient(1)],
    task="ranking",
    good_for=["default"],
    use="Ranking by relevance or by clicks; with one wanted and one unwanted entry per list it is BPR.",
    avoid="Long lists, as all pairs are compared; lists of which only the top is read: listnet.",
    source="Burges et al. 2005, doi:10.1145/1102351.1102363; BPR: Rendle et al. 2009, arXiv:1205.2618",
    class_name="RankNet",
)
def ranknet(input: Tensor, target: Lists) -> Tensor:
    """Scores (N, L), relevances (N, L) -> (N,): the mean over the pairs of different relevance. Unit: nats."""
    return _mean_over_pairs(softplus(input.unsqueeze(1) - input.unsqueeze(2)), target)


def _plain_margin(x: Any, y: Any, margin: float) -> list[float]:
    return [
        sum(max(0.0, scores[j] - scores[i] + margin) for i, j in plain_pairs(row)) / len(plain_pairs(row))
        for scores, row in zip(x, y)
    ]


@loss(
    slow=_plain_margin,
    target=ranked_lists(needs_pairs=True),
    claims=[nonnegative, convex, shift_invariant, bounded_gradient(1)],
    search={"margin": Log(0.1, 10)},
    task="ranking",
    use="Ranking where pairs that are right by a margin should no longer count.",
    avoid="Graded relevance: one grade apart asks for the same margin as four. Scores of no fixed scale: ranknet "
    "needs no margin.",
    differs={
        "torch.nn.MarginRankingLoss": "is given the two scores of each pair and a sign; margin is 0 by default, ours 1",
    },
    source="Herbrich, Graepel & Obermayer 2000, Large margin rank boundaries for ordinal regression",
)
def margin_ranking(input: Tensor, target: Lists, *, margin: NonNegative = 1.0) -> Tensor:
    """Scores (N, L), relevances (N, L) -> (N,): the mean over the pairs of different relevance. torch's default margin is 0."""
    return _mean_over_pairs((input.unsqueeze(1) - input.unsqueeze(2) + margin).relu(), target)


def _mean_over_pairs(costs: Tensor, target: Lists) -> Tensor:
    """Costs (N, L, L) of a first entry that belongs above a second."""
    pairs = target.pairs()
    return torch.where(pairs, costs, 0.0).flatten(1).sum(1) / pairs.flatten(1).sum(1).clamp(min=1)

"""CTC: minus the logarithm of the probability of a line of labels, summed over all ways to spread it over the steps."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import nonnegative
from steepest.core.declare import loss
from steepest.core.logits import surprise
from steepest.core.sequences import Transcripts, sequence

NEVER = -1e30
"""The logarithm of a probability of 0, finite so that no gradient is NaN."""


def _plain(x: Any, y: Any) -> list[float]:
    """Every path through the steps that reads as the labels once repeats and blanks are dropped."""
    values = []
    for scores, labels in zip(x, y):
        n_steps, total = len(scores[0]), 0.0
        sums = [sum(math.exp(row[t]) for row in scores) for t in range(n_steps)]
        for path in itertools.product(range(len(scores)), repeat=n_steps):
            if [c for c, _ in itertools.groupby(path) if c != 0] == labels:
                total += math.prod(math.exp(scores[c][t]) / sums[t] for t, c in enumerate(path))
        values.append(-math.log(total))
    return values


@loss(
    slow=_plain,
    target=sequence,
    expects="logits",
    claims=[nonnegative],
    task="sequence",
    good_for=["default"],
    use="Speech and handwriting: a line of labels without their places. Deterministic, on an accelerator too.",
    avoid="Labels known for each step: cross_entropy. Outputs in another order than the input, as in translation: "
    "cross_entropy per token.",
    differs={
        "torch.nn.CTCLoss": "takes log-probabilities (T, N, C), ours logits (N, C, T); its mean first divides each "
        "line by its number of labels; its backward pass on CUDA is not deterministic",
        "keras.losses.CTC": "logits (N, T, C); label 0 is the padding as well as the blank",
    },
    source="Graves et al. 2006, doi:10.1145/1143844.1143891",
    class_name="CTC",
)
def ctc(input: Tensor, target: Transcripts) -> Tensor:
    """Logits (N, C, T), class 0 blank; labels (N, S), padded with ignore_index -> (N,). Unit: nats.

    Steps beyond a sequence's end are masked, mask (N, T). torch's mean divides by the number of labels first: here a weight.
    """
    chain = torch.stack([torch.zeros_like(target.labels), target.labels], 2).flatten(1)
    chain = torch.cat([chain, torch.zeros_like(chain[:, :1])], 1)  # blank, label, blank, ..., label, blank
    costs = surprise(input).gather(1, chain.unsqueeze(2).expand(*chain.shape, input.shape[2]))
    may_skip = torch.cat([torch.zeros_like(chain[:, :2]) > 0, (chain[:, 2:] != 0) & (chain[:, 2:] != chain[:, :-2])], 1)
    is_start = torch.arange(chain.shape[1], device=chain.device) < 2
    first = target.steps & (target.steps.cumsum(1) == 1)
    level = torch.full_like(costs[:, :, 0], NEVER)
    for t in range(input.shape[2]):
        one = torch.cat([torch.full_like(level[:, :1], NEVER), level[:, :-1]], 1)
        two = torch.cat([torch.full_like(level[:, :2], NEVER), level[:, :-2]], 1)
        reached = torch.stack([level, one, torch.where(may_skip, two, NEVER)]).logsumexp(0)
        reached = torch.where(first[:, t : t + 1], torch.where(is_start, 0.0, NEVER), reached)
        level = torch.where(target.steps[:, t : t + 1], reached - costs[:, :, t], level)
    last = 2 * target.lengths.unsqueeze(1)
    ends = level.gather(1, torch.cat([last, (last - 1).clamp(min=0)], 1))
    return -ends.logsumexp(1)

"""SWA: the model is judged at the plain mean of its weights since some step."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from torch import Tensor

from steepest.core.domains import Count, Counts
from steepest.core.transform import transform

AtLeastNone = Annotated[int, Counts(0)]


@transform(
    acts_on="weights",
    formula="average + (w - average) / (n + 1)",
    use="The last part of a run at a constant or cyclic learning rate: the mean lies flatter than its parts.",
    avoid="The learning rate falls to zero: the weights hardly differ, and the mean is behind them.",
    source="Izmailov et al. 2018, arXiv:1803.05407; torch.optim.swa_utils.AveragedModel",
    evaluated="average",
    initial={"average": "param"},
)
def swa(param: Tensor, average: Tensor, *, t: Any, begin: AtLeastNone = 0, every: Count = 1) -> tuple[Tensor, Tensor]:
    """Weights after every `every`-th step beyond `begin` count alike; until then the weights are judged as they are.

    Buffers are not averaged: a model with BatchNorm needs its statistics anew (torch.optim.swa_utils.update_bn).
    """
    n, rest = divmod(t - begin, every)
    if n < 1:
        return param, param
    return param, average if rest else torch.lerp(average, param, 1 / n)

"""EMA: the model is judged at a running mean of its weights, which is calmer than the weights themselves."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.domains import Log1m, UnitOpen
from steepest.core.transform import transform


@transform(
    acts_on="weights",
    formula="decay * average + (1 - decay) * w",
    search={"decay": Log1m(1e-4, 1e-1)},
    use="A better model at the end for one more copy of the weights; most of all under a constant learning rate.",
    avoid="The run is shorter than a few times 1 / (1 - decay) steps: then the mean still remembers the start.",
    source="Polyak & Juditsky 1992, doi:10.1137/0330046; torch.optim.swa_utils.get_ema_multi_avg_fn",
    evaluated="average",
    initial={"average": "param"},
)
def ema(param: Tensor, average: Tensor, *, t: Any, decay: UnitOpen = 0.999) -> tuple[Tensor, Tensor]:
    """The mean begins with the weights after the first step, as torch's does. Buffers are not averaged."""
    return param, param if t == 1 else torch.lerp(average, param, 1 - decay)

"""Schedule-free SGD: SGD without a schedule, for the weights that count are an average over the whole run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import CountFromZero, Log, Log1m, NonNegative, UnitInside
from steepest.core.per_trial import larger, smaller


def slow(
    grad: float,
    z: float,
    weight_sum: float,
    lr_max: float,
    param: float,
    *,
    t: float,
    lr: float,
    momentum: float,
    warmup_steps: int,
    r: float,
    weight_lr_power: float,
    weight_decay: float,
) -> tuple[float, ...]:
    """Equations 3 to 5 of the paper for one weight, with x written out; the parameter is y."""
    x = (param - (1 - momentum) * z) / momentum
    rate = lr * min(1.0, t / warmup_steps) if warmup_steps else lr
    top = max(lr_max, rate)
    new_z = z - rate * (grad + weight_decay * param)
    weight = t**r * top**weight_lr_power
    share = weight / (weight_sum + weight) if weight_sum + weight else 0.0
    new_x = (1 - share) * x + share * new_z
    return param - ((1 - momentum) * new_z + momentum * new_x), new_z, weight_sum + weight, top


def averaged(param: Tensor, z: Tensor, *, momentum: Any, **others: Any) -> Tensor:
    """x, from y = (1 - momentum) z + momentum x."""
    return torch.lerp(param, z, 1 - 1 / momentum)


@rule(
    formula="y - ((1 - momentum) * z + momentum * x), z a step of SGD at y, x the weighted mean of all z",
    slow=slow,
    decay="inside",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(3e-3, 3e1), "momentum": Log1m(1e-2, 2e-1)},
    initial={"z": "param"},
    scalar_states=["weight_sum", "lr_max"],
    evaluated=averaged,
    use="SGD's tasks when the end of the run is not known; learning rates 10 to 50 times SGD's.",
    avoid="Runs of known length with a tuned schedule, and models with BatchNorm whose statistics nobody refreshes.",
    differs={"schedulefree.SGDScheduleFree": "the same"},
    evidence=(
        "By its authors alone: level with tuned schedules from convex problems to deep networks (arXiv:2405.15682)."
    ),
    source="Defazio et al. 2024, arXiv:2405.15682; range of lr: the authors' advice on SGD's",
    class_name="ScheduleFreeSGD",
)
def schedule_free_sgd(
    grad: Tensor,
    z: Tensor,
    weight_sum: Any,
    lr_max: Any,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1.0,
    momentum: UnitInside = 0.9,
    warmup_steps: CountFromZero = 0,
    r: NonNegative = 0.0,
    weight_lr_power: NonNegative = 2.0,
    weight_decay: NonNegative = 0.0,
) -> tuple[Tensor, Tensor, Any, Any]:
    """The parameter is y while training; `eval()` gives the average x, `train()` takes y back.

    A step counts with the weight t**r * (largest learning rate so far)**weight_lr_power. Weight decay acts at y.
    """
    rate = lr * smaller(t / larger(warmup_steps, 1.0), 1.0)
    lr_max = larger(lr_max, rate)
    weight = t**r * lr_max**weight_lr_power
    weight_sum = weight_sum + weight
    share = weight / larger(weight_sum, 1e-300)  # of the newest z in x; 0 while every learning rate was 0
    along = grad + weight_decay * param
    step = share * (param - z) + rate * (1 - momentum * (1 - share)) * along
    return step, z - rate * along, weight_sum, lr_max

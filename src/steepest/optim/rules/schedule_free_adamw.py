"""Schedule-free AdamW: AdamW without a schedule, for the weights that count are an average over the whole run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import CountFromZero, Log, Log1m, NonNegative, Positive, UnitInside, UnitOpen
from steepest.core.per_trial import larger, smaller


def slow(
    grad: float,
    z: float,
    exp_avg_sq: float,
    weight_sum: float,
    lr_max: float,
    param: float,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    warmup_steps: int,
    r: float,
    weight_lr_power: float,
    weight_decay: float,
) -> tuple[float, ...]:
    """Algorithm 1 of the paper for one weight, with x written out; the parameter is y."""
    x = (param - (1 - beta1) * z) / beta1
    rate = lr * min(1.0, t / warmup_steps) if warmup_steps else lr
    top = max(lr_max, rate)
    v = beta2 * exp_avg_sq + (1 - beta2) * grad**2
    new_z = z - rate * (grad / ((v / (1 - beta2**t)) ** 0.5 + eps) + weight_decay * param)
    weight = t**r * top**weight_lr_power
    share = weight / (weight_sum + weight) if weight_sum + weight else 0.0
    new_x = (1 - share) * x + share * new_z
    return param - ((1 - beta1) * new_z + beta1 * new_x), new_z, v, weight_sum + weight, top


def averaged(param: Tensor, z: Tensor, exp_avg_sq: Tensor, *, beta1: Any, **others: Any) -> Tensor:
    """x, from y = (1 - beta1) z + beta1 x."""
    return torch.lerp(param, z, 1 - 1 / beta1)


@rule(
    formula="y - ((1 - beta1) * z + beta1 * x), z one AdamW step of beta1 = 0 at y, x the weighted mean of all z",
    slow=slow,
    decay="inside",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(3e-4, 3e-2), "beta1": Log1m(1e-2, 2e-1), "beta2": Log1m(1e-4, 1e-2)},
    initial={"z": "param"},
    scalar_states=["weight_sum", "lr_max"],
    evaluated=averaged,
    use="Runs whose end is not known beforehand: at each moment the averaged weights are as if a schedule ended there.",
    avoid="Runs of known length with a tuned schedule, and models with BatchNorm whose statistics nobody refreshes.",
    differs={
        "schedulefree.AdamWScheduleFree": "the same; there a parameter's average counts the steps of its group",
        "optax.contrib.schedule_free_adamw": "the average comes from schedule_free_eval_params, not from eval()",
    },
    evidence=(
        "Winner of AlgoPerf's self-tuning track, 8 % faster than the baseline (arXiv:2502.15015); on language models "
        "of 124M to 720M parameters sensitive to its betas (Semenov et al. 2025, arXiv:2509.01440)."
    ),
    source="Defazio et al. 2024, arXiv:2405.15682; ranges: the paper's advice, 1 to 10 times AdamW's learning rate",
    class_name="ScheduleFreeAdamW",
)
def schedule_free_adamw(
    grad: Tensor,
    z: Tensor,
    exp_avg_sq: Tensor,
    weight_sum: Any,
    lr_max: Any,
    param: Tensor,
    *,
    t: Any,
    lr: NonNegative = 2.5e-3,
    beta1: UnitInside = 0.9,
    beta2: UnitOpen = 0.999,
    eps: Positive = 1e-8,
    warmup_steps: CountFromZero = 0,
    r: NonNegative = 0.0,
    weight_lr_power: NonNegative = 2.0,
    weight_decay: NonNegative = 0.0,
) -> tuple[Tensor, Tensor, Tensor, Any, Any]:
    """The parameter is y while training; `eval()` gives the average x, `train()` takes y back.

    A step counts with the weight t**r * (largest learning rate so far)**weight_lr_power. Weight decay acts at y.
    """
    rate = lr * smaller(t / larger(warmup_steps, 1.0), 1.0)
    lr_max = larger(lr_max, rate)
    weight = t**r * lr_max**weight_lr_power
    weight_sum = weight_sum + weight
    share = weight / larger(weight_sum, 1e-300)  # of the newest z in x; 0 while every learning rate was 0
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    along = grad / (exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps) + weight_decay * param
    step = share * (param - z) + rate * (1 - beta1 * (1 - share)) * along
    return step, z - rate * along, exp_avg_sq, weight_sum, lr_max

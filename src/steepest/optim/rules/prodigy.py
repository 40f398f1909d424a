"""Prodigy: Adam that finds its learning rate by itself, from how far the weights have come along the gradients."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import AboveOne, Flag, Log, Log1m, NonNegative, Positive, UnitOpen
from steepest.core.per_trial import choose, larger, smaller


def _rate(t: Any, d: Any, lr: Any, beta1: Any, beta2: Any, bias_correction: Any) -> Any:
    """The learning rate that this step uses."""
    correction = (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return d * lr * (1 + bias_correction * (correction - 1))


def _grown(
    grad: Tensor, s: Tensor, d: Any, rate: Any, beta2: Any, beta3: Any, d0: Any, safeguard_warmup: Any
) -> Tensor:
    """s after this step: the weighted sum of gradients that the denominator of d measures."""
    kept = beta2**0.5 if beta3 is None else beta3
    return kept * s + d / d0 * (safeguard_warmup * d + (1 - safeguard_warmup) * rate) * grad


def totals(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    s: Tensor,
    p0: Tensor,
    d: Any,
    d_max: Any,
    d_numerator: Any,
    param: Tensor,
    *,
    t: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    beta3: Any,
    d0: Any,
    bias_correction: Any,
    safeguard_warmup: Any,
    **others: Any,
) -> tuple[Tensor, Tensor]:
    """What each weight adds to the numerator and to the denominator of the new d."""
    rate = _rate(t, d, lr, beta1, beta2, bias_correction)
    return d / d0 * rate * (grad * (p0 - param)), _grown(grad, s, d, rate, beta2, beta3, d0, safeguard_warmup).abs()


def slow(
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    s: Any,
    p0: Any,
    d: float,
    d_max: float,
    d_numerator: float,
    param: Any,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    beta3: float | None,
    eps: float,
    d0: float,
    d_coef: float,
    growth_rate: float | None,
    bias_correction: float,
    safeguard_warmup: float,
    weight_decay: float,
) -> tuple[Any, ...]:
    """Algorithm 4 of the paper for a model of one tensor, with the options of its code."""
    b3 = beta2**0.5 if beta3 is None else beta3
    rate = d * lr * ((1 - beta2**t) ** 0.5 / (1 - beta1**t) if bias_correction else 1.0)
    numerator = b3 * d_numerator + d / d0 * rate * float((grad * (p0 - param)).sum())
    m = beta1 * exp_avg + (1 - beta1) * d * grad
    v = beta2 * exp_avg_sq + (1 - beta2) * d**2 * grad**2
    s = b3 * s + d / d0 * (d if safeguard_warmup else rate) * grad
    below = float(abs(s).sum())
    hat = d_coef * numerator / below if below else 0.0
    new = max(d, hat) if d == d0 else d
    d_max = max(d_max, hat)
    new = d_max if growth_rate is None else min(d_max, new * growth_rate)
    return rate * (m / (v**0.5 + new * eps) + weight_decay * param), m, v, s, p0, new, d_max, numerator


@rule(
    formula="d * lr * m / (sqrt(v) + d * eps), m and v of d * g; d = max of d_coef * sum <d * g, w0 - w> / |sum d * g|_1",
    slow=slow,
    decay="inside",
    looks_at="tree",
    totals=totals,
    claims=[rests_at_zero_gradient.at(weight_decay=0)],
    search={"lr": Log(3e-1, 3.0), "beta1": Log1m(2e-2, 5e-1), "beta2": Log1m(1e-3, 5e-2), "d_coef": Log(3e-1, 3.0)},
    initial={"p0": "param", "d": "d0", "d_max": "d0"},
    scalar_states=["d", "d_max", "d_numerator"],
    use="Fine-tuning and small studies where nobody looks for a learning rate: leave lr at 1, add a schedule.",
    avoid="Where the learning rate is tuned anyway: it costs two more states than Adam, and d never comes down again.",
    differs={
        "prodigyopt.Prodigy": "the same; there slice_p > 1 measures d on some of the weights",
        "optax.contrib.prodigy": "d0 and d_coef are estim_lr0 and estim_lr_coef there",
    },
    evidence="As a schedule-free variant it solved no workload of AlgoPerf (score 0 of 1, arXiv:2502.15015).",
    source="Mishchenko & Defazio 2023, arXiv:2306.06101, with prodigyopt's options; search ranges: ours",
)
def prodigy(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    s: Tensor,
    p0: Tensor,
    d: Any,
    d_max: Any,
    d_numerator: Any,
    param: Tensor,
    *,
    t: Any,
    totals: Any,
    lr: Positive = 1.0,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    beta3: UnitOpen | None = None,
    eps: Positive = 1e-8,
    d0: Positive = 1e-6,
    d_coef: Positive = 1.0,
    growth_rate: AboveOne | None = None,
    bias_correction: Flag = False,
    safeguard_warmup: Flag = False,
    weight_decay: NonNegative = 0.0,
) -> tuple[Any, ...]:
    """d estimates the distance to the solution, one for the whole model; beta3 is sqrt(beta2) if None.

    growth_rate bounds how d may grow from step to step. Weight decay is d * lr * weight_decay, as AdamW's.
    """
    rate = _rate(t, d, lr, beta1, beta2, bias_correction)
    exp_avg = beta1 * exp_avg + (1 - beta1) * d * grad
    exp_avg_sq = beta2 * exp_avg_sq + (1 - beta2) * (d * grad) * (d * grad)
    s = _grown(grad, s, d, rate, beta2, beta3, d0, safeguard_warmup)
    above, below = totals
    d_numerator = (beta2**0.5 if beta3 is None else beta3) * d_numerator + above
    estimate = d_coef * d_numerator / larger(below, 1e-300)
    d, d_max = choose(d == d0, larger(d, estimate), d), larger(d_max, estimate)
    d = d_max if growth_rate is None else smaller(d_max, d * growth_rate)
    step = rate * exp_avg / (exp_avg_sq.sqrt() + d * eps) + rate * weight_decay * param
    return step, exp_avg, exp_avg_sq, s, p0, d, d_max, d_numerator

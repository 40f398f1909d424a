"""Rules that torch lacks, written with its foreach functions: what bench/optim.py measures ours against.

Each is a step of the formula at the defaults of ours, without weight decay, in place as far as foreach functions go.
`steps_of` gives it in two forms: all tensors at once, and tensor by tensor, whose temporaries stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Tensors = list[Tensor]


def _square(v: Tensors, g: Tensors, beta: float) -> None:
    torch._foreach_mul_(v, beta)
    torch._foreach_addcmul_(v, g, g, value=1 - beta)


def _denominator(v: Tensors, correction: float, eps: float) -> Tensors:
    found = torch._foreach_sqrt(v)
    torch._foreach_div_(found, correction**0.5)
    torch._foreach_add_(found, eps)
    return found


def lion(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    along = torch._foreach_lerp(s["m"], g, 0.1)
    torch._foreach_sign_(along)
    torch._foreach_add_(p, along, alpha=-lr)
    torch._foreach_lerp_(s["m"], g, 0.01)


def signum(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    torch._foreach_lerp_(s["m"], g, 0.1)
    torch._foreach_add_(p, torch._foreach_sign(s["m"]), alpha=-lr)


def adan(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    if t == 1:
        torch._foreach_copy_(s["before"], g)
    change = torch._foreach_sub(g, s["before"])
    torch._foreach_lerp_(s["m"], g, 0.02)
    torch._foreach_lerp_(s["d"], change, 0.08)
    torch._foreach_mul_(change, 0.92)
    torch._foreach_add_(change, g)
    _square(s["n"], change, 0.99)
    below = _denominator(s["n"], 1 - 0.99**t, 1e-8)
    torch._foreach_addcdiv_(p, s["m"], below, -lr / (1 - 0.98**t))
    torch._foreach_addcdiv_(p, s["d"], below, -lr * 0.92 / (1 - 0.92**t))
    torch._foreach_copy_(s["before"], g)


def ademamix(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    torch._foreach_lerp_(s["m"], g, 0.1)
    torch._foreach_lerp_(s["slow"], g, 1 - 0.9999)
    _square(s["v"], g, 0.999)
    below = _denominator(s["v"], 1 - 0.999**t, 1e-8)
    torch._foreach_addcdiv_(p, s["m"], below, -lr / (1 - 0.9**t))
    torch._foreach_addcdiv_(p, s["slow"], below, -lr * 5.0)


def adopt(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    if t == 1:
        _square(s["v"], g, 0.0)
        return
    below, limit = torch._foreach_sqrt(s["v"]), (t - 1) ** 0.25
    torch._foreach_clamp_min_(below, 1e-6)
    scaled = torch._foreach_div(g, below)
    torch._foreach_clamp_max_(scaled, limit)
    torch._foreach_clamp_min_(scaled, -limit)
    torch._foreach_lerp_(s["m"], scaled, 0.1)
    torch._foreach_add_(p, s["m"], alpha=-lr)
    _square(s["v"], g, 0.9999)


def schedule_free_adamw(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    if t == 1:
        torch._foreach_copy_(s["z"], p)
    _square(s["v"], g, 0.999)
    along = torch._foreach_div(g, _denominator(s["v"], 1 - 0.999**t, 1e-8))
    torch._foreach_lerp_(p, s["z"], 1 / t)
    torch._foreach_add_(p, along, alpha=-lr * (1 - 0.9 * (1 - 1 / t)))
    torch._foreach_add_(s["z"], along, alpha=-lr)


def schedule_free_sgd(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    if t == 1:
        torch._foreach_copy_(s["z"], p)
    torch._foreach_lerp_(p, s["z"], 1 / t)
    torch._foreach_add_(p, g, alpha=-lr * (1 - 0.9 * (1 - 1 / t)))
    torch._foreach_add_(s["z"], g, alpha=-lr)


def mars(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    corrected = torch._foreach_sub(g, g if t == 1 else s["before"])
    torch._foreach_mul_(corrected, 0.025 * 0.95 / 0.05)
    torch._foreach_add_(corrected, g)
    lengths = torch._foreach_norm(corrected)
    torch._foreach_clamp_min_(lengths, 1.0)
    torch._foreach_div_(corrected, lengths)
    torch._foreach_lerp_(s["m"], corrected, 0.05)
    _square(s["v"], corrected, 0.99)
    torch._foreach_addcdiv_(p, s["m"], _denominator(s["v"], 1 - 0.99**t, 1e-8), -lr / (1 - 0.95**t))
    torch._foreach_copy_(s["before"], g)


def lamb(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    torch._foreach_lerp_(s["m"], g, 0.1)
    _square(s["v"], g, 0.999)
    along = torch._foreach_div(s["m"], _denominator(s["v"], 1 - 0.999**t, 1e-6))
    torch._foreach_div_(along, 1 - 0.9**t)
    trust = torch._foreach_div(torch._foreach_norm(p), torch._foreach_norm(along))
    torch._foreach_mul_(along, trust)
    torch._foreach_add_(p, along, alpha=-lr)


def lars(p: Tensors, g: Tensors, s: dict[str, Tensors], t: int, lr: float) -> None:
    local = torch._foreach_div(torch._foreach_norm(p), torch._foreach_norm(g))
    torch._foreach_mul_(local, lr * 1e-3)
    torch._foreach_mul_(s["m"], 0.9)
    torch._foreach_add_(s["m"], torch._foreach_mul(g, local))
    torch._foreach_sub_(p, s["m"])


STATES: dict[Callable[..., None], tuple[str, ...]] = {
    lion: ("m",),
    signum: ("m",),
    adan: ("m", "d", "n", "before"),
    ademamix: ("m", "slow", "v"),
    adopt: ("m", "v"),
    schedule_free_adamw: ("z", "v"),
    schedule_free_sgd: ("z",),
    mars: ("m", "v", "before"),
    lamb: ("m", "v"),
    lars: ("m",),
}


def steps_of(name: str, params: Tensors, lr: float) -> dict[str, Callable[[], None]]:
    """ "loop" and "foreach": one step each, with states of their own; nothing for a rule that is not here."""
    rule = next((rule for rule in STATES if rule.__name__ == name), None)
    if rule is None:
        return {}
    return {"loop": _step(rule, params, lr, 1), "foreach": _step(rule, params, lr, len(params) or 1)}


def _step(rule: Callable[..., None], params: Tensors, lr: float, at_once: int) -> Callable[[], None]:
    parts: list[tuple[Tensors, dict[str, Tensors]]] = [
        (own, {name: [torch.zeros_like(param) for param in own] for name in STATES[rule]})
        for own in (params[start : start + at_once] for start in range(0, len(params), at_once))
    ]
    t = 0

    @torch.no_grad()
    def step() -> None:
        nonlocal t
        t += 1
        for own, states in parts:
            grads: Any = [param.grad for param in own]
            rule(own, grads, states, t, lr)

    return step

"""Muon: momentum of a matrix made orthogonal, so that all its directions move alike; AdamW for what is not a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Count, Flag, Log, Log1m, NonNegative, Positive, Reals, UnitOpen
from steepest.core.per_trial import choose

from ..matrices import as_matrix, is_matrix, orthogonalised


def slow(
    grad: Any,
    momentum_buffer: Any,
    exp_avg_sq: Any,
    *,
    t: float,
    lr: float,
    momentum: float,
    nesterov: float,
    ns_coefficients: tuple[float, float, float],
    eps: float,
    ns_steps: int,
    adjust_lr_fn: str | None,
    iterate_in: str,
    orthogonalise: bool,
    fallback_ratio: float,
    beta1: float,
    beta2: float,
    adam_eps: float,
) -> tuple[Any, ...]:
    """Jordan's text for one tensor: the iteration as the polynomial of the singular values that it is."""
    import numpy as np

    if not orthogonalise or grad.ndim < 2:
        m = beta1 * momentum_buffer + (1 - beta1) * grad
        v = beta2 * exp_avg_sq + (1 - beta2) * grad**2
        return lr * fallback_ratio * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + adam_eps), m, v
    m = momentum * momentum_buffer + (1 - momentum) * grad
    ahead = (1 - momentum) * grad + momentum * m if nesterov else m
    left, values, right = np.linalg.svd(ahead.reshape(len(grad), -1), full_matrices=False)
    values = values / max(float(np.sqrt((values**2).sum())), eps)
    a, b, c = ns_coefficients
    for _ in range(ns_steps):
        values = a * values + b * values**3 + c * values**5
    rows, columns = len(grad), grad[0].size
    scale = 0.2 * max(rows, columns) ** 0.5 if adjust_lr_fn == "match_rms_adamw" else max(1.0, rows / columns) ** 0.5
    return lr * scale * ((left * values) @ right).reshape(grad.shape), m, None


def _only_fallback(shape: torch.Size, settings: Mapping[str, Any]) -> tuple[int, ...] | None:
    return None if settings["orthogonalise"] and is_matrix(shape) else shape


@rule(
    formula="lr * scale * U V', U S V' the momentum of the matrix; scale = sqrt(max(1, rows / columns))",
    slow=slow,
    decay="decoupled",
    weight_decay=0.1,
    looks_at="matrix",
    equals="torch.optim.Muon",
    equals_when={"iterate_in": "bfloat16"},
    claims=[rests_at_zero_gradient],
    search={"lr": Log(2e-3, 1e-1), "momentum": Log1m(1e-2, 1e-1), "fallback_ratio": Log(1e-2, 1.0)},
    state_shapes={"exp_avg_sq": _only_fallback},
    static=["ns_steps", "orthogonalise"],
    use="Hidden layers of any network, transformers and convolutions alike; the most for the least state.",
    avoid="Embeddings and the last layer: give them a group with orthogonalise=False, which AdamW then trains.",
    differs={
        "torch.optim.Muon": "two axes only, no fallback; iterates in bfloat16 always",
        "Jordan's text": "the momentum is a sum there, a mean here; its scale vanishes. AdamW takes 3e-4 there",
        "timm.optim.Muon": "convolutions flattened likewise; other scales; AdamW in groups with use_fallback",
        "optax.contrib.muon": "two axes unless told otherwise, AdamW for the others",
    },
    evidence=(
        "Matrix rules lead over tuned AdamW by 1.4 times at 0.1B parameters, 1.1 times at 1.2B (Wen et al. 2025, "
        "arXiv:2509.02046)."
    ),
    source=(
        "Jordan et al. 2024, kellerjordan.github.io/posts/muon; match_rms_adamw: Liu et al. 2025, arXiv:2502.16982; "
        "range of lr: ours about Jordan's 0.02"
    ),
)
def muon(
    grad: Tensor,
    momentum_buffer: Tensor,
    exp_avg_sq: Tensor | None,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    momentum: UnitOpen = 0.95,
    nesterov: Flag = True,
    ns_coefficients: Annotated[tuple[float, ...], Reals(3)] = (3.4445, -4.775, 2.0315),
    eps: Positive = 1e-7,
    ns_steps: Count = 5,
    adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
    iterate_in: Literal["auto", "param", "bfloat16"] = "auto",
    orthogonalise: Flag = True,
    fallback_ratio: Positive = 0.1,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.95,
    adam_eps: Positive = 1e-8,
) -> tuple[Tensor | None, ...]:
    """Two axes and more are a matrix, a convolution as (out, the rest). Others: AdamW at lr * fallback_ratio.

    adjust_lr_fn: None is "original"; "match_rms_adamw" makes steps as large as AdamW's (then fallback_ratio=1).
    iterate_in: "auto" is bfloat16 on an accelerator, where it is many times faster, and the parameter's dtype on a CPU.
    """
    if exp_avg_sq is not None:
        dtype = torch.promote_types(grad.dtype, torch.float32)  # in float16 adam_eps is 0
        grad, momentum_buffer, exp_avg_sq = grad.to(dtype), momentum_buffer.to(dtype), exp_avg_sq.to(dtype)
        m = torch.lerp(momentum_buffer, grad, 1 - beta1)
        exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
        denominator = exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + adam_eps
        return lr * fallback_ratio / (1 - beta1**t) * m / denominator, m, exp_avg_sq
    m = torch.lerp(momentum_buffer, grad, 1 - momentum)
    ahead = as_matrix(torch.lerp(grad, m, choose(nesterov, momentum, 1.0)))
    in_half = iterate_in == "bfloat16" or (iterate_in == "auto" and grad.device.type != "cpu")
    along = orthogonalised(ahead.bfloat16() if in_half else ahead, ns_coefficients, ns_steps, eps)
    rows, columns = ahead.shape[1:]
    scale = 0.2 * max(rows, columns) ** 0.5 if adjust_lr_fn == "match_rms_adamw" else max(1.0, rows / columns) ** 0.5
    return along.to(grad.dtype).mul_(lr * scale).view_as(grad), m, None

"""Attention whose dropout is the caller's: torch's own draws its masks inside, from the global generator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def dropped_attention(
    drop: Callable[[Tensor], Tensor],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """(*, T, E), (*, S, E), (*, S, D) -> (*, T, D), as torch.nn.functional.scaled_dot_product_attention says of itself.

    drop: dropout of the shares (*, T, S) that each query gives the values.
    """
    if enable_gqa:
        n = query.shape[-3] // key.shape[-3]
        key, value = key.repeat_interleave(n, -3), value.repeat_interleave(n, -3)
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype is torch.bool else scores + attn_mask
    return drop(scores.softmax(-1)) @ value

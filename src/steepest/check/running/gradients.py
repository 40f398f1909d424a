"""Which leaves a loss reaches, and how large their gradients are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def is_zero(grad: Tensor | None) -> bool:
    """No gradient, or one of zeros."""
    if grad is None:
        return True
    values = grad._values() if grad.is_sparse else grad
    start = values.reshape(-1)[:64] if values.is_contiguous() else values
    return not bool(start.any()) and not bool(values.any())


def leaves_of(root: Tensor) -> list[Tensor]:
    """The tensors that backward would give a gradient, each once."""
    found: dict[int, Tensor] = {}
    stack: list[Any] = [root.grad_fn]
    seen = set()
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found[id(node.variable)] = node.variable
        stack += [n for n, _ in node.next_functions]
    return list(found.values())


def norms_of(tensors: list[Tensor]) -> dict[int, float]:
    """Root mean square of each gradient, by the id of its tensor; tensors without one are left out."""
    with torch.no_grad():
        grads = {id(t): t.grad for t in tensors if t.grad is not None}
        return {key: _size(g.coalesce().values() if g.is_sparse else g) for key, g in grads.items()}


def _size(g: Tensor) -> float:
    """In float64 only where float32 would overflow or vanish."""
    value = float(g.norm()) / max(g.numel(), 1) ** 0.5
    return value if 1e-15 < value < 1e15 else float(g.double().norm()) / max(g.numel(), 1) ** 0.5

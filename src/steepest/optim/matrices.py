"""What rules of whole tensors compute with: parameters as matrices, roots and bases, each trial by itself.

All take K trials first, (K, *). A trial that is not finite stays so, and alone: decompositions, which refuse a whole
batch for one such matrix, see the identity in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .wholes import norm


def is_matrix(shape: Sequence[int]) -> bool:
    """Whether a parameter of this shape is stepped as a matrix: two axes or more, of which the first are the rows."""
    return len(shape) >= 2


def as_matrix(x: Tensor) -> Tensor:
    """(K, m, *) -> (K, m, n): a convolution's kernels as rows."""
    return x.flatten(2) if x.dim() > 2 else x


def row_side(shape: torch.Size, settings: Mapping[str, Any]) -> tuple[int, int] | None:
    """Shape of a state that joins the rows of a matrix with each other; None where there are too many, or no matrix."""
    return (shape[0], shape[0]) if is_matrix(shape) and shape[0] <= settings["max_dim"] else None


def col_side(shape: torch.Size, settings: Mapping[str, Any]) -> tuple[int, int] | None:
    """The same of the columns."""
    width = shape[1:].numel()
    return (width, width) if is_matrix(shape) and width <= settings["max_dim"] else None


def trust_ratio(above: Tensor, below: Tensor) -> Tensor:
    """above / below, and 1 where either is 0, so that what starts at zero can leave it."""
    both = (above > 0) & (below > 0)
    return torch.where(both, above / torch.where(both, below, torch.ones_like(below)), torch.ones_like(above))


ONE_BY_ONE = 256
"""Rows from which on a matrix is multiplied alone: in bfloat16 a product of 500 x 500 takes 1.25 ms, in a batch 1.5."""
LEAST_HALF = 192
"""Rows of a half from which on a symmetric product is put together from its upper half, on a CPU: an iteration of
500 x 500 takes 0.9 of the time, of 1024 x 1024 0.83, with the same sums."""


def orthogonalised(x: Tensor, coefficients: Sequence[float], n_steps: int, eps: Any) -> Tensor:
    """The nearest orthogonal matrix of each (K, m, n), about: n_steps of a Newton-Schulz iteration of degree 5.

    With Muon's coefficients the singular values end between about 0.7 and 1.2; with (15/8, -5/4, 3/8) at 1, slowly.
    """
    is_tall = x.shape[1] > x.shape[2]
    x = x.mT if is_tall else x
    x = x / norm(x).clamp(min=eps)
    # By size alone, so that a trial alone is computed as among others.
    if x.shape[1] >= ONE_BY_ONE:
        each = [_iterated_alone(one, coefficients, n_steps) for one in x]
        x = torch.stack(each) if len(each) > 1 else each[0].unsqueeze(0)
    else:
        x = _iterated(x, coefficients, n_steps)
    return x.mT if is_tall else x


def _iterated(x: Tensor, coefficients: Sequence[float], n_steps: int) -> Tensor:
    a, b, c = coefficients
    for _ in range(n_steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _iterated_alone(x: Tensor, coefficients: Sequence[float], n_steps: int) -> Tensor:
    a, b, c = coefficients
    for _ in range(n_steps):
        gram = squared(x)
        x = torch.addmm(x, squared(gram, plus=gram, beta=b, alpha=c), x, beta=a)
    return x


def squared(x: Tensor, plus: Tensor | None = None, beta: float = 1.0, alpha: float = 1.0) -> Tensor:
    """x @ x.mT of a matrix, or beta * plus + alpha * x @ x.mT with a symmetric `plus`.

    Of a large one the upper half is computed, and mirrored.
    """
    half = len(x) // 2
    if half < LEAST_HALF or x.device.type != "cpu":
        return x @ x.mT if plus is None else torch.addmm(plus, x, x.mT, beta=beta, alpha=alpha)
    if plus is None:
        upper, lower = x[:half] @ x.mT, squared(x[half:])
    else:
        upper = torch.addmm(plus[:half], x[:half], x.mT, beta=beta, alpha=alpha)
        lower = squared(x[half:], plus[half:, half:], beta, alpha)
    return torch.cat([upper, torch.cat([upper[:, half:].mT, lower], 1)])


def _where_finite(x: Tensor, fn: Callable[[Tensor], Tensor]) -> Tensor:
    """fn of the finite matrices (K, n, n); NaN for the others. No decomposition exists in half precision."""
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    finite = x.isfinite().flatten(1).all(1).view(-1, 1, 1)
    identity = torch.eye(x.shape[-1], dtype=wide.dtype, device=x.device)
    return torch.where(finite, fn(torch.where(finite, wide, identity)), torch.nan).to(x.dtype)


def eigenbasis(x: Tensor) -> Tensor:
    """The eigenvectors of symmetric matrices (K, n, n) as columns, the largest eigenvalue first."""
    return _where_finite(x, lambda m: torch.linalg.eigh(m).eigenvectors.flip(-1))


def orthonormal(x: Tensor) -> Tensor:
    """An orthonormal basis of the columns of (K, n, n), each in turn."""
    return _where_finite(x, lambda m: torch.linalg.qr(m).Q)


def inverse_root(x: Tensor, order: int, eps: Any) -> Tensor:
    """(x + eps)**(-1 / order) of symmetric matrices (K, n, n); what rounding puts below zero counts as zero."""

    def root(m: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(m)
        scale = (values.clamp(min=0) + eps) ** (-1 / order)
        return (vectors * scale.unsqueeze(-2)) @ vectors.mT

    return _where_finite(x, root)

"""Shampoo: gradients of a matrix divided by the fourth roots of both their covariances, in steps as long as Adam's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Count, Log, Log1m, NonNegative, Positive, UnitOpen
from steepest.core.per_trial import PerTrial, trials_where

from ..matrices import as_matrix, col_side, inverse_root, row_side
from ..wholes import norm


def slow(
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    row_gram: Any,
    col_gram: Any,
    row_root: Any,
    col_root: Any,
    *,
    t: float,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    root_eps: float,
    frequency: int,
    max_dim: int,
) -> tuple[Any, ...]:
    """Algorithms 2 and 3 of the second paper for one tensor, one block, Adam grafted."""
    import numpy as np

    g = grad.reshape(len(grad), -1) if grad.ndim > 1 else grad
    m = beta1 * exp_avg + (1 - beta1) * grad
    v = beta2 * exp_avg_sq + (1 - beta2) * grad**2
    ahead = m / (1 - beta1**t)
    adam = ahead / ((v / (1 - beta2**t)) ** 0.5 + eps)
    outer: list[Any] = [g @ g.T, g.T @ g] if grad.ndim > 1 else [None, None]
    grams = [a if a is None else beta2 * a + (1 - beta2) * o for a, o in zip((row_gram, col_gram), outer)]
    roots = [row_root, col_root]
    n_sides = sum(a is not None for a in grams)
    if t % frequency == 0:
        for i, gram in enumerate(grams):
            if gram is not None:
                values, vectors = np.linalg.eigh(gram / (1 - beta2**t))
                values = np.maximum(values, 0) + root_eps
                roots[i] = (vectors * values ** (-1 / (2 * n_sides))) @ vectors.T
    if t < frequency or n_sides == 0:
        return lr * adam, m, v, *grams, *roots
    x = ahead.reshape(g.shape)
    x = x if roots[0] is None else roots[0] @ x
    x = x if roots[1] is None else x @ roots[1]
    length = (x**2).sum() ** 0.5
    x = x * ((adam**2).sum() ** 0.5 / length) if length > 0 else x
    return lr * x.reshape(grad.shape), m, v, *grams, *roots


@rule(
    formula="lr * |a| / |x| * x, x = L**(-1/4) mhat R**(-1/4), a = mhat / (sqrt(vhat) + eps)",
    slow=slow,
    decay="decoupled",
    weight_decay=1e-2,
    looks_at="matrix",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(1e-4, 1e-2), "beta1": Log1m(1e-2, 1.5e-1), "beta2": Log1m(1e-3, 5e-2)},
    state_shapes={"row_gram": row_side, "col_gram": col_side, "row_root": row_side, "col_root": col_side},
    static=["max_dim"],
    use="Long training on an accelerator, where the winner of AlgoPerf's external track may earn its roots.",
    avoid="Very wide layers and tight memory; soap reaches the same with fewer decompositions to tune.",
    differs={
        "Gupta et al. 2018": "sums instead of means of the covariances, no grafting",
        "facebookresearch/optimizers DistributedShampoo": "the same on one block with Adam grafted; blocks of large matrices, "
        "and vectors have a covariance too",
        "pytorch_optimizer.ScalableShampoo": "blocks of 512, the first roots after 25 steps, new ones every 1000",
    },
    evidence="Winner of AlgoPerf's external tuning track, 28 % faster than tuned NAdamW (arXiv:2502.15015).",
    source=(
        "Gupta, Koren & Singer 2018, arXiv:1802.09568; means and grafting: Anil et al. 2020, arXiv:2002.09018, and Shi "
        "et al. 2023, arXiv:2309.06497; ranges of lr and beta1: AlgoPerf, arXiv:2306.07179"
    ),
)
def shampoo(
    grad: Tensor,
    exp_avg: Tensor,
    exp_avg_sq: Tensor,
    row_gram: Tensor | None,
    col_gram: Tensor | None,
    row_root: Tensor | None,
    col_root: Tensor | None,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    beta1: UnitOpen = 0.9,
    beta2: UnitOpen = 0.999,
    eps: Positive = 1e-8,
    root_eps: Positive = 1e-12,
    frequency: Count = 20,
    max_dim: Count = 8192,
) -> tuple[Tensor | None, ...]:
    """The roots are renewed every `frequency` steps; until the first time, and for vectors, the step is Adam's.

    A side longer than max_dim has no root; the other then takes the square root. root_eps is added to the eigenvalues.
    """
    g, k = as_matrix(grad), len(grad)
    exp_avg = torch.lerp(exp_avg, grad, 1 - beta1)
    exp_avg_sq = torch.addcmul(beta2 * exp_avg_sq, (1 - beta2) * grad, grad)
    ahead = exp_avg / (1 - beta1**t)
    adam = ahead / (exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5 + eps)
    if row_gram is None and col_gram is None:
        return lr * adam, exp_avg, exp_avg_sq, row_gram, col_gram, row_root, col_root
    due, ready = trials_where(t % frequency < 1, k), trials_where(t >= frequency, k)
    order = 4 if row_gram is not None and col_gram is not None else 2
    x = as_matrix(ahead)
    if row_gram is not None and row_root is not None:
        row_gram = torch.lerp(row_gram, g @ g.mT, 1 - beta2)
        row_root = _renewed(row_root, row_gram / (1 - beta2**t), due, order, root_eps)
        x = row_root @ x
    if col_gram is not None and col_root is not None:
        col_gram = torch.lerp(col_gram, g.mT @ g, 1 - beta2)
        col_root = _renewed(col_root, col_gram / (1 - beta2**t), due, order, root_eps)
        x = x @ col_root
    x = x.view_as(grad)
    length = norm(x)
    grafted = x * (norm(adam) / torch.where(length > 0, length, torch.ones_like(length)))
    is_ready = torch.zeros(k, dtype=torch.bool, device=grad.device)
    is_ready[ready] = True
    step = torch.where(is_ready.view(-1, *[1] * (grad.dim() - 1)), grafted, adam)
    return lr * step, exp_avg, exp_avg_sq, row_gram, col_gram, row_root, col_root


def _renewed(root: Tensor, gram: Tensor, due: list[int], order: int, eps: Any) -> Tensor:
    if not due:
        return root
    at = torch.tensor(due, device=root.device)
    floor = eps.take(torch.tensor(due)).beside(root[at]).squeeze(-1) if isinstance(eps, PerTrial) else eps
    return root.index_copy(0, at, inverse_root(gram[at], order, floor))

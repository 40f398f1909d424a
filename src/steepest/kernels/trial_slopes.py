"""Mean losses of many trials and the gradients of their outputs, in one compiled pass and without a graph.

For 8 trials of 64 rows 11 to 26 us, where torch's functions and their graph take 70 to 100 (bench/population.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from steepest.core.batch import Options
from steepest.core.faster import kernel_of
from steepest.core.loss import Loss

from .fused import Call, FusedKernel

Slope = Callable[[Tensor, Tensor, "Tensor | None", int, "int | None"], "tuple[Tensor, Tensor] | None"]
"""(outputs, targets, shares, k, n_rows) -> mean losses (k,) of k trials and the gradient of their sum, or None where
it cannot. outputs (k, C, N), or (k*N, C, *) whose rows of a trial stand together. shares: how much each item counts;
divided by n_rows where it is given, else shares sum to 1 in a trial and no shares stand for a mean over all items."""


def slope_form(loss: Loss, options: Mapping[str, Any]) -> Slope | None:
    """The compiled form of a loss with these options, plain numbers of its own and label_smoothing; None for others."""
    kernel = kernel_of(loss.__module__)
    hyper = {**loss._defaults, **options}
    smoothing = hyper.pop("label_smoothing", 0.0)
    if not isinstance(kernel, FusedKernel) or not set(hyper) <= set(loss.hyper):
        return None
    if any(isinstance(value, Tensor) for value in (*hyper.values(), smoothing)):
        return None
    kind, numbers = kernel.kind, kernel.numbers(hyper)
    if smoothing:
        kind, numbers = kernel.smoothed(Options(smoothing=smoothing))
        if kind < 0:
            return None

    def slope(
        outputs: Tensor, targets: Tensor, shares: Tensor | None, k: int, n_rows: int | None
    ) -> tuple[Tensor, Tensor] | None:
        x, y = outputs.contiguous(), kernel.target(outputs, targets).contiguous()
        if not kernel.takes(x, y, hyper):
            return None
        gradient, n_items = torch.empty_like(x), kernel.items(x, y).numel() // k
        scale = 1.0 / n_rows if n_rows is not None else 1.0 / n_items if shares is None else 1.0
        each = kernel.run(x, y, shares, Call(kind, numbers, scale, True), gradient)
        return None if each is None else (each.view(k, -1).sum(1), gradient)

    return slope

"""Overfitting as a number: how much higher the loss is on rows that were not trained on, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .batches import Rows, mapped
from .passing import called, modes_of, put_modes_back

Z = 1.959963984540054  # the normal distribution's 97.5 % point
MOST_ROWS = 10_000
LARGE = 0.2
"""The share of the training loss from which on a gap is worth remedies."""


@dataclass(frozen=True)
class Gap:
    """Loss per row on the training and the validation part, and the difference with its 95 % interval (Welch)."""

    train: float
    validation: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        return self.validation - self.train

    @property
    def is_overfitting(self) -> bool:
        """The gap is there for certain, and large beside the training loss."""
        return self.low > 0 and self.difference > LARGE * abs(self.train)

    @property
    def sentence(self) -> str:
        found = (
            f"Loss per row: {self.train:.4g} on rows trained on, {self.validation:.4g} on others; "
            f"gap {self.difference:.3g} (95 % CI {self.low:.3g} to {self.high:.3g})"
        )
        if not self.is_overfitting:
            return f"{found}: no overfitting to speak of."
        return (
            f"{found}: it overfits. What helps: more or augmented data, stopping earlier (patience=), "
            "weight decay, dropout, a smaller model."
        )


def measured_gap(setup: Any) -> Gap | None:
    """Of the weights that the model holds. Only for rows in memory: of a loader nobody knows which rows it gives again."""
    train, validation = setup.train, setup.validation
    if not isinstance(train, Rows) or not isinstance(validation, Rows):
        return None
    on_others = _losses(setup, validation, _spread_rows(validation.n_rows, MOST_ROWS))
    own = None if on_others is None else _losses(setup, train, _spread_rows(train.n_rows, validation.n_rows))
    return None if own is None or on_others is None else gap_of(own, on_others)


def _losses(setup: Any, part: Rows, rows: Tensor) -> Tensor | None:
    """The loss of each of some rows."""
    modes, found, layout = modes_of(setup.model), [], setup.in_layout
    setup.model.eval()
    try:
        with torch.no_grad():
            for cut in torch.split(rows, part.batch_size):
                inputs, target = (
                    mapped(lambda t: t.index_select(0, cut.to(t.device)), p) for p in (part.inputs, part.target)
                )
                with layout.kernels():
                    output = called(setup.model, layout.given(inputs))
                values = setup.objective.per_row(output, target)
                if values is None or values.dim() != 1:
                    return None
                found.append(values.float().cpu())
    finally:
        put_modes_back(modes)
    return torch.cat(found)


def gap_of(train: Tensor, validation: Tensor) -> Gap | None:
    """From one loss per row of each part; None where a part has less than two rows or is not finite."""
    if min(len(train), len(validation)) < 2:
        return None
    a, b = train.double(), validation.double()
    half = Z * math.sqrt(float(a.var() / len(a) + b.var() / len(b)))
    difference = float(b.mean() - a.mean())
    if not math.isfinite(difference + half):
        return None
    return Gap(float(a.mean()), float(b.mean()), difference - half, difference + half)


def _spread_rows(n_rows: int, at_most: int) -> Tensor:
    """Row numbers spread evenly over a part: enough to judge it, no more than asked."""
    return torch.arange(n_rows) if n_rows <= at_most else torch.linspace(0, n_rows - 1, at_most).round().long()

"""Standardising: subtract the training part's mean and divide by its standard deviation, and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scale:
    """mean and spread broadcast over rows: (*,) per feature, or () for one number."""

    mean: Tensor
    spread: Tensor

    @staticmethod
    def per_feature(rows: Tensor) -> Scale:
        """One mean and spread per column; a constant column keeps the spread 1."""
        return Scale._of(rows.double(), 0, rows.dtype)

    @staticmethod
    def overall(rows: Tensor) -> Scale:
        """One mean and spread for all values: what images need, whose border pixels may be constant."""
        return Scale._of(rows.double().reshape(-1), 0, rows.dtype)

    @staticmethod
    def none(dtype: torch.dtype) -> Scale:
        """Of rows that stay as they are, such as whole numbers that a model looks up."""
        return Scale(torch.zeros((), dtype=dtype), torch.ones((), dtype=dtype))

    @staticmethod
    def _of(values: Tensor, dim: int, dtype: torch.dtype) -> Scale:
        mean = values.mean(dim)
        spread = (values - mean).square().mean(dim).sqrt()
        # Below float32's rounding a spread is noise of a constant column; dividing by it would make a feature of it.
        is_constant = ~(spread > 1e-6 * mean.abs())
        return Scale(mean.to(dtype), torch.where(is_constant, torch.ones_like(spread), spread).to(dtype))

    def apply(self, rows: Tensor) -> Tensor:
        """Whole numbers are names, not amounts: they stay as they are."""
        if not rows.is_floating_point():
            return rows
        return (rows - self.mean) / self.spread

    def undo(self, rows: Tensor) -> Tensor:
        return rows * self.spread + self.mean

    def to(self, device: torch.device | str) -> Scale:
        return Scale(self.mean.to(device), self.spread.to(device))

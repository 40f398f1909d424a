"""Amounts: targets that are counts, prices or durations, none below 0."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .accept import can_read_values
from .errors import LabelError
from .targets import TargetKind


@dataclass(frozen=True)
class Amounts(TargetKind):
    """Numbers of the input's shape, each >= 0."""

    def look_at(self, where: str, y: Tensor) -> None:
        if can_read_values(y) and bool((y < 0).any()):  # NaN passes: it may stand under a mask
            place = (y < 0).nonzero()[0].tolist()
            raise LabelError(
                where=where,
                seen=f"target{place} is {y[tuple(place)].item():g}",
                needed="amounts >= 0 were needed",
                repair="Were the targets standardised? Amounts stay in their own unit; a scale is fine, a shift is not.",
            )


amounts = Amounts("amounts", "floating numbers >= 0 of the input's shape (N, *)")

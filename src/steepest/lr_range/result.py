"""What a range test found: a curve for each arm, as text and as a page."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steepest.explain.drawing import draw
from steepest.explain.record import Panel, Series
from steepest.results.durable import atomic_write

from .curve import Curve, Setting, says
from .page import page


@dataclass(frozen=True)
class LearningRates:
    """The curves of a range test. Printed, they are drawn as text; write() draws a page."""

    curves: tuple[Curve, ...]
    setting: Setting

    @property
    def suggested(self) -> dict[str, float | None]:
        """A learning rate for each arm, by its name; None where no rate learned."""
        return {c.name: c.suggested for c in self.curves}

    def render(self, width: int = 80, colour: bool = False) -> str:
        """Each curve as text with its rates: to take, best, and the edge."""
        of = self.setting
        head = f"{of.model} on {of.data}: loss after {of.n_steps} steps of {of.batch_size} rows, {of.n_seeds} seeds"
        return "\n\n".join([head, *("\n".join(self._drawn(c, width, colour)) for c in self.curves)])

    def __str__(self) -> str:
        return self.render()

    def write(self, path: str | os.PathLike[str]) -> Path:
        """One HTML file with the curves as SVG, which needs nothing else."""
        target = Path(path)
        atomic_write(target, page(self.curves, self.setting, self.plain()))
        return target

    def plain(self) -> dict[str, Any]:
        """All numbers as plain values; NaN stays NaN."""
        curves = [{**asdict(c), "suggested": c.suggested, "best": c.best, "edge": c.edge} for c in self.curves]
        return {**asdict(self), "curves": curves}

    def _drawn(self, curve: Curve, width: int, colour: bool) -> list[str]:
        ceiling = curve.first + 0.1 * abs(curve.first)
        shown = [m if m <= ceiling else math.nan for m in curve.means]
        panel = Panel(curve.name, "learning rate", list(curve.rates), [Series("loss", shown)])
        return [*draw(panel, min(width, 74), 8, colour), says(curve)]

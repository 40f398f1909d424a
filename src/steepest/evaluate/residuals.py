"""Target minus prediction, column by column: is there a bias, and where does it grow?"""

from __future__ import annotations

import torch

from steepest.core.interval import normal_quantile

from .answers import Answers
from .record import Number, Residuals

MOST_POINTS = 400
QUANTILES = {"lowest": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "highest": 1.0}


def residuals(found: Answers, level: float) -> list[Residuals]:
    """One for each column of the target; [] for classes."""
    if found.kind != "regression":
        return []
    shown = torch.linspace(0, len(found) - 1, min(MOST_POINTS, len(found))).round().long()
    made = []
    for column, name in enumerate(found.names):
        said, off = found.scores[:, column], found.target[:, column] - found.scores[:, column]
        half = float(normal_quantile((1 + level) / 2) * off.std() / len(off) ** 0.5) if len(off) > 1 else float("nan")
        mean = float(off.mean())
        bias = Number("mean residual", mean, mean - half, mean + half, unit="target", best="", method="normal")
        at = torch.quantile(off, torch.tensor(list(QUANTILES.values()), dtype=off.dtype)).tolist()
        order = said.argsort()[shown]
        cloud = list(zip(said[order].tolist(), off[order].tolist()))
        made.append(Residuals(name, bias, dict(zip(QUANTILES, at)), cloud))
    return made

"""One arm's losses by learning rate: the rate to take, the best, and the edge beyond which training diverges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean

TOLERANCE = 0.1
"""The lowest rate counts as good as the best when it falls short of the best fall of the loss by this share at most."""


@dataclass(frozen=True)
class Curve:
    """rates, and losses[r][s]: the mean training loss of the last quarter of the run at rate r, seed s; NaN: diverged.

    first: the mean loss before the first step.
    """

    loss: str
    optimizer: str
    rates: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    first: float

    @property
    def name(self) -> str:
        return f"{self.loss} + {self.optimizer}"

    @property
    def means(self) -> tuple[float, ...]:
        """Mean loss per rate over the seeds that did not diverge; NaN where half of them or more did."""
        found = []
        for row in self.losses:
            finite = [x for x in row if math.isfinite(x)]
            found.append(fmean(finite) if 2 * len(finite) > len(row) else math.nan)
        return tuple(found)

    @property
    def best(self) -> float | None:
        """The rate with the lowest loss; None where nothing was learned at any rate."""
        low = self._lowest()
        return None if low is None else self.rates[self.means.index(low)]

    @property
    def suggested(self) -> float | None:
        """The lowest rate that is nearly as good as the best: a full run is longer, and forgives a low rate more."""
        low = self._lowest()
        if low is None:
            return None
        enough = low + TOLERANCE * (self.first - low)
        return next(rate for rate, mean in zip(self.rates, self.means) if mean <= enough)

    @property
    def n_lost(self) -> tuple[int, ...]:
        """Runs per rate that diverged or, at the best rate and above, ended above their start.

        Below the best rate a run that ends above its start has not learned yet: its last batches were harder.
        """
        best = self.best or 0.0
        return tuple(
            sum(not x <= self.first if rate >= best else not math.isfinite(x) for x in row)
            for rate, row in zip(self.rates, self.losses)
        )

    @property
    def edge(self) -> float | None:
        """The lowest rate from which on half of the runs or more diverge or end above their start, or None."""
        found = None
        for rate, row, n_lost in zip(reversed(self.rates), reversed(self.losses), reversed(self.n_lost)):
            if 2 * n_lost < len(row):
                break
            found = rate
        return found

    @property
    def is_at_edge(self) -> str:
        """ "lowest" or "highest" where the best rate is the grid's first or last, else ""."""
        return {self.rates[0]: "lowest", self.rates[-1]: "highest"}.get(self.best, "") if self.best else ""

    def _lowest(self) -> float | None:
        finite = [m for m in self.means if math.isfinite(m)]
        return min(finite) if finite and min(finite) < self.first else None


@dataclass(frozen=True)
class Setting:
    """What all curves of a test have in common. command: the line that repeats it, where there was one."""

    model: str
    data: str
    n_steps: int
    n_seeds: int
    batch_size: int
    command: str = ""


def says(curve: Curve) -> str:
    """The curve in one sentence."""
    if curve.suggested is None:
        return "no rate brought the loss below its start"
    edge = f"diverges from {curve.edge:.2g}" if curve.edge is not None else "no rate of the grid diverges"
    at_edge = f"; the best rate is the {curve.is_at_edge} of the grid: widen it" if curve.is_at_edge else ""
    return f"take {curve.suggested:.2g}; lowest loss at {curve.best:.2g}; {edge}{at_edge}"

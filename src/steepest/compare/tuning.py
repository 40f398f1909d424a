"""Which learning rate is best, from few noisy runs: the top of a parabola through the scores near the best one.

With three seeds the best of three neighbours is little more than chance, and two arms that are equal would be raced at different
learning rates, which is a difference. A parabola in the logarithm uses the runs at all of them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

NEAR = 2
"""Steps of the grid to either side of the best rate that the parabola goes through."""
FALLEN = 4.0
"""A mean that lies so many of its standard errors below the best is beyond a cliff, where no parabola holds."""
Scores = Mapping[float, Sequence[float]]
"""Learning rate -> scores in the order of the seeds, more is better, -inf where a trial diverged."""


def best_rate(rungs: Sequence[Scores], kept: Sequence[float]) -> float:
    """The learning rate with the best score, between the neighbours of the best one kept.

    rungs: the scores of the same arm on runs of different lengths, the last one that of the kept rates; each has its own level,
    all share the parabola. The best of the kept where the scores have no top: too few, or not bent downwards.
    """
    means = {lr: statistics.fmean(rungs[-1][lr]) for lr in kept}
    best = max(kept, key=lambda lr: means[lr])
    points = [point for i, scores in enumerate(rungs) for point in _near(i, scores, best)]
    at = _top(points, len(rungs))
    if at is None:
        return best
    ordered = sorted(kept)
    place = ordered.index(best)
    low, high = ordered[max(place - 1, 0)], ordered[min(place + 1, len(ordered) - 1)]
    return float(f"{min(max(math.exp(at), low), high):.3g}")


def _near(rung: int, scores: Scores, best: float) -> list[tuple[int, float, float]]:
    """(rung, log of the rate, mean score) of the rates near the best that did not fall off."""
    ordered = sorted(scores)
    place = min(range(len(ordered)), key=lambda i: abs(math.log(ordered[i] / best)))
    finite = {lr: scores[lr] for lr in ordered if all(map(math.isfinite, scores[lr]))}
    near = [lr for lr in ordered[max(0, place - NEAR) : place + NEAR + 1] if lr in finite]
    if not near:
        return []
    means = {lr: statistics.fmean(finite[lr]) for lr in near}
    floor = max(means.values()) - FALLEN * _error([finite[lr] for lr in near])
    return [(rung, math.log(lr), means[lr]) for lr in near if means[lr] >= floor]


def _error(rows: Sequence[Sequence[float]]) -> float:
    """Standard error of a mean over seeds, without what all learning rates of a seed have in common; infinite when unknown."""
    n_rates, n_seeds = len(rows), len(rows[0])
    if n_rates < 2 or n_seeds < 2:
        return math.inf
    of_rates, of_seeds = [statistics.fmean(row) for row in rows], [statistics.fmean(column) for column in zip(*rows)]
    overall = statistics.fmean(of_rates)
    rest = sum((x - of_rates[i] - of_seeds[j] + overall) ** 2 for i, row in enumerate(rows) for j, x in enumerate(row))
    return math.sqrt(rest / ((n_rates - 1) * (n_seeds - 1)) / n_seeds)


def _top(points: Sequence[tuple[int, float, float]], n_rungs: int) -> float | None:
    """Where the parabola has its top; None where it has none."""
    import numpy as np

    if len(points) < n_rungs + 3 or len({x for _, x, _ in points}) < 4:
        return None
    middle = statistics.fmean(x for _, x, _ in points)
    rows = [[*(float(rung == i) for i in range(n_rungs)), x - middle, (x - middle) ** 2] for rung, x, _ in points]
    *_, slope, bend = np.linalg.lstsq(np.array(rows), np.array([y for *_, y in points]), rcond=None)[0]
    return float(middle - slope / (2 * bend)) if bend < 0 else None

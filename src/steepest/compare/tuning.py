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
RISEN = 3.0
"""An edge so many standard errors better than the next rate is no accident: with three seeds chance does it in 5 of 100."""
Scores = Mapping[float, Sequence[float]]
"""Learning rate -> scores in the order of the seeds, more is better, -inf where a trial diverged."""


def best_rate(scores: Scores) -> float:
    """The learning rate with the best score, between the neighbours of the best one that ran.

    The best that ran where the scores have no top: too few, or not bent downwards.
    """
    ordered = sorted(scores)
    means = {lr: statistics.fmean(scores[lr]) for lr in ordered}
    place = max(range(len(ordered)), key=lambda i: means[ordered[i]])
    at = _top(_near(scores, ordered[max(0, place - NEAR) : place + NEAR + 1]))
    if at is None:
        return ordered[place]
    low, high = ordered[max(place - 1, 0)], ordered[min(place + 1, len(ordered) - 1)]
    return float(f"{min(max(math.exp(at), low), high):.3g}")


def rises_to(edge: float, scores: Scores) -> bool:
    """The best rate, the first or last of all, is better than the next one by more than noise: a better one may lie beyond."""
    inner = min((lr for lr in scores if lr != edge), key=lambda lr: abs(math.log(lr / edge)))
    rows = [scores[edge], scores[inner]]
    if not all(math.isfinite(x) for row in rows for x in row):
        return True
    return statistics.fmean(rows[0]) - statistics.fmean(rows[1]) > RISEN * math.sqrt(2) * _error(rows)


def _near(scores: Scores, rates: Sequence[float]) -> list[tuple[float, float]]:
    """(log of the rate, mean score) of those that did not fall off."""
    finite = {lr: scores[lr] for lr in rates if all(map(math.isfinite, scores[lr]))}
    if not finite:
        return []
    means = {lr: statistics.fmean(own) for lr, own in finite.items()}
    floor = max(means.values()) - FALLEN * _error(list(finite.values()))
    return [(math.log(lr), mean) for lr, mean in means.items() if mean >= floor]


def _error(rows: Sequence[Sequence[float]]) -> float:
    """Standard error of a mean over seeds, without what all learning rates of a seed have in common; infinite when unknown."""
    n_rates, n_seeds = len(rows), len(rows[0])
    if n_rates < 2 or n_seeds < 2:
        return math.inf
    of_rates, of_seeds = [statistics.fmean(row) for row in rows], [statistics.fmean(column) for column in zip(*rows)]
    overall = statistics.fmean(of_rates)
    rest = sum((x - of_rates[i] - of_seeds[j] + overall) ** 2 for i, row in enumerate(rows) for j, x in enumerate(row))
    return math.sqrt(rest / ((n_rates - 1) * (n_seeds - 1)) / n_seeds)


def _top(points: Sequence[tuple[float, float]]) -> float | None:
    """Where the parabola has its top; None where it has none."""
    import numpy as np

    if len(points) < 4:
        return None
    x, y = np.array(points).T
    bend, slope, _ = np.polyfit(x - x.mean(), y, 2)
    return float(x.mean() - slope / (2 * bend)) if bend < 0 else None

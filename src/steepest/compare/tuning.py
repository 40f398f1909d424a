"""Which learning rate is best, from few noisy runs: the mean of all that ran, weighted by how nearly each is the best.

With a few seeds the best of five neighbours is little more than chance, and two arms that are equal would be raced at different
learning rates, which is a difference. The weighted mean uses the runs at all of them: in the middle where scores are flat, at the
top where they are not.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

WIDTH = 1.5
"""A rate that is so many standard errors worse than the best counts 1/e of it."""
RISEN = 3.0
"""An edge so many standard errors better than the next rate is no accident: with three seeds chance does it in 5 of 100."""
Scores = Mapping[float, Sequence[float]]
"""Learning rate -> scores in the order of the seeds, more is better, -inf where a trial diverged."""


def best_rate(scores: Scores) -> float:
    """The mean in the logarithm; the best that ran where a single seed leaves the noise unknown."""
    ordered = sorted(lr for lr, own in scores.items() if all(map(math.isfinite, own)))
    means = {lr: statistics.fmean(scores[lr]) for lr in ordered}
    place = max(range(len(ordered)), key=lambda i: means[ordered[i]])
    best = ordered[place]
    first = max(0, min(place - 1, len(ordered) - 3))
    error = _error([scores[lr] for lr in ordered[first : first + 3]])
    if not math.isfinite(error):
        return best
    weights = {lr: _share(means[best] - means[lr], WIDTH * error) for lr in ordered}
    return float(f"{math.exp(sum(w * math.log(lr) for lr, w in weights.items()) / sum(weights.values())):.3g}")


def _share(behind: float, width: float) -> float:
    return math.exp(-behind / width) if width else float(behind == 0)


def rises_to(edge: float, scores: Scores) -> bool:
    """The best rate, the first or last of all, is better than the next one by more than noise: a better one may lie beyond."""
    inner = min((lr for lr in scores if lr != edge), key=lambda lr: abs(math.log(lr / edge)))
    rows = [scores[edge], scores[inner]]
    if not all(math.isfinite(x) for row in rows for x in row):
        return True
    return statistics.fmean(rows[0]) - statistics.fmean(rows[1]) > RISEN * math.sqrt(2) * _error(rows)


def _error(rows: Sequence[Sequence[float]]) -> float:
    """Standard error of a mean over seeds, without what all learning rates of a seed have in common; infinite when unknown."""
    n_rates, n_seeds = len(rows), len(rows[0])
    if n_rates < 2 or n_seeds < 2:
        return math.inf
    of_rates, of_seeds = [statistics.fmean(row) for row in rows], [statistics.fmean(column) for column in zip(*rows)]
    overall = statistics.fmean(of_rates)
    rest = sum((x - of_rates[i] - of_seeds[j] + overall) ** 2 for i, row in enumerate(rows) for j, x in enumerate(row))
    return math.sqrt(rest / ((n_rates - 1) * (n_seeds - 1)) / n_seeds)

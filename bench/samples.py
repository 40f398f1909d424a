"""Do verdicts hold for other samples? How often each interval holds the truth, with real learners on data of a known law.

Run: OMP_NUM_THREADS=1 python bench/samples.py. Prints one table and, as its last line, JSON. Seeds are fixed.
Two ridge classifiers of different strength on random features learn two overlapping clouds. A seed draws the split, and in the
rows "new features" the features too, as networks draw their initialisation: then most of the spread is no matter of samples.
The truth is the mean difference of their accuracies over new test samples (one test part) or new data sets (small data, where
every seed draws its own test part), from fresh samples and many seeds. "seeds" is the interval over seeds alone, which speaks
of the samples at hand; "other samples" the one that verdicts add.
"""

from __future__ import annotations

import argparse
import json
import math
import platform

import numpy as np

from steepest.results.evidence import paired_difference
from steepest.results.pairs import pair
from steepest.results.sampling import N_PARTS, with_samples

N_FEATURES, N_RANDOM = 8, 24
STRENGTHS = (0.3, 30.0)
N_FRESH = 4_000
report: dict[str, list[float]] = {}


def samples(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = rng.integers(0, 2, n)
    return rng.standard_normal((n, N_FEATURES)) + 0.35 * (2 * y - 1)[:, None], 2 * y - 1


def features(x: np.ndarray, seed: int | None) -> np.ndarray:
    rng = np.random.default_rng([9, 0 if seed is None else seed + 1])
    return np.tanh(x @ rng.standard_normal((N_FEATURES, N_RANDOM)) + rng.standard_normal(N_RANDOM))


def right(
    x: np.ndarray, y: np.ndarray, train: np.ndarray, test: tuple[np.ndarray, np.ndarray], seed: int
) -> np.ndarray:
    """Whether each classifier is right on each test sample, (2, N)."""
    a, b = features(x[train], seed), features(test[0], seed)
    gram, pull = a.T @ a, a.T @ y[train]
    found = [np.linalg.solve(gram + s * np.eye(N_RANDOM), pull) for s in STRENGTHS]
    return np.stack([np.sign(b @ w) == test[1] for w in found])


def splits(rng: np.random.Generator, n: int, n_test: int) -> tuple[np.ndarray, np.ndarray]:
    """Training (three fifths of all) and test part."""
    order = rng.permutation(n)
    return order[n_test : n_test + 3 * n // 5], order[:n_test]


def one_test_part(n: int, n_seeds: int, study: int, varies: bool) -> tuple[bool, bool]:
    """Whether the two intervals hold the difference that new test samples would show, the training pool as it is."""
    rng = np.random.default_rng([1, n, study])
    x, y = samples(rng, n)
    n_test = n // 5
    fresh = samples(rng, N_FRESH)
    order = rng.permutation(N_PARTS * math.ceil(n_test / N_PARTS))[:n_test] % N_PARTS
    scores, left_out, truth = [], [], []
    for seed in range(n_seeds):
        inner, _ = splits(np.random.default_rng([2, study, seed]), n - n_test, 0)
        train = n_test + inner[: 3 * n // 5]
        drawn = seed if varies else None
        hit = right(x, y, train, (x[:n_test], y[:n_test]), drawn)
        scores.append(hit.mean(1))
        left_out.append([hit[:, order != part].mean(1) for part in range(N_PARTS)])
        truth.append(np.subtract(*right(x, y, train, fresh, drawn).mean(1)))
    return held(scores, np.array(left_out), 0.0, float(np.mean(truth)))


def own_test_parts(n: int, n_seeds: int, study: int, varies: bool, truth: float) -> tuple[bool, bool]:
    """Whether they hold the mean difference over data sets of this size."""
    x, y = samples(np.random.default_rng([3, n, study]), n)
    n_test, scores = n // 5, []
    for seed in range(n_seeds):
        train, test = splits(np.random.default_rng([4, study, seed]), n, n_test)
        drawn = 1000 * study + seed if varies else None
        scores.append(right(x, y, train, (x[test], y[test]), drawn).mean(1))
    return held(scores, np.zeros((n_seeds, 0, 2)), n_test / (3 * n // 5), truth)


def held(scores: list[np.ndarray], left_out: np.ndarray, overlap: float, truth: float) -> tuple[bool, bool]:
    a, b = zip(*(s.tolist() for s in scores))
    gaps = (left_out[..., 0] - left_out[..., 1]).mean(0).tolist() if left_out.size else []
    d = with_samples(paired_difference(a, b), pair(a, b), gaps, overlap)
    wide = d if d.sample_low is None else None
    low, high = (d.low, d.high) if wide else (d.sample_low, d.sample_high)
    return d.low <= truth <= d.high, bool(low <= truth <= high)  # type: ignore[operator]


def truth_over_data_sets(n: int, varies: bool) -> float:
    """The mean difference over data sets and seeds, from new samples."""
    found = []
    for at in range(1500):
        rng = np.random.default_rng([5, n, at])
        x, y = samples(rng, n)
        hit = right(x, y, np.arange(3 * n // 5), samples(rng, 2000), 7_000_000 + at if varies else None)
        found.append(np.subtract(*hit.mean(1)))
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=600)
    n_studies = parser.parse_args().studies
    print(f"Python {platform.python_version()}, numpy {np.__version__}; {n_studies} studies per row\n")
    print(f"{'samples':>8} {'seeds':>6}  {'design':<46} {'seeds hold':>11} {'other samples hold':>19}")
    for varies in (False, True):
        for n, n_seeds in ((600, 12), (1500, 12), (1500, 40)):
            found = np.array([one_test_part(n, n_seeds, study, varies) for study in range(n_studies)])
            row(n, n_seeds, "one test part, jackknife", varies, found)
        for n, n_seeds in ((100, 12), (400, 12), (400, 40)):
            truth = truth_over_data_sets(n, varies)
            found = np.array([own_test_parts(n, n_seeds, study, varies, truth) for study in range(n_studies)])
            row(n, n_seeds, "own test parts, Nadeau & Bengio", varies, found)
    print(json.dumps({"bench": "samples", **report}))


def row(n: int, n_seeds: int, design: str, varies: bool, found: np.ndarray) -> None:
    name, shares = f"{design}{', new features' if varies else ''}", found.mean(0)
    print(f"{n:>8} {n_seeds:>6}  {name:<46} {100 * shares[0]:>9.1f} % {100 * shares[1]:>17.1f} %", flush=True)
    report[f"{name}, {n} samples, {n_seeds} seeds"] = [round(float(s), 3) for s in shares]


if __name__ == "__main__":
    main()

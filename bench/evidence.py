"""How often verdicts are wrong, how often they find what is there, and what the race's corrections cost: simulations.

Run: python bench/evidence.py. Prints one table and, as its last line, JSON. Seeds are fixed: the same figures anywhere.
Scores are normal, paired with correlation 1/2 between arms, sd 1; differences are in sd of the paired differences.
"""

from __future__ import annotations

import json
import math
import platform

import numpy as np
import scipy
from scipy.special import ndtr, ndtri, stdtr

from steepest.compare.plan import CONFIRM_SEEDS
from steepest.results.evidence import alpha_spent, paired_difference, race_step, seeds_for_power
from steepest.results.records import Difference

STUDIES, RACES = 4000, 4000
PLANNED = 16_000
"""Studies where the number of seeds is just enough, so that the share is just above 80 %."""
LOOKS = np.array([5, 9, 13, 17, 21])
ALPHA = 0.05
BETTER = ("better", "probably better")
CLAIMS = (*BETTER, "worse", "probably worse")
report: dict[str, float] = {}


def tell(name: str, count: float, of: int, wanted: str) -> None:
    """One row: a share with its count and its standard error."""
    share = count / of
    error = math.sqrt(max(share * (1 - share), 1e-9) / of)
    print(f"{name:<66} {count:>6.0f} of {of}  {100 * share:6.2f} % +- {100 * error:.2f}   {wanted}")
    report[name] = round(share, 4)


# -- two arms


def studies(n: int, effect: float, diverging: float = 0.0, count: int = STUDIES) -> list[Difference]:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(count):
        shared = rng.standard_normal(n)
        a, b = (shared / math.sqrt(2) + rng.standard_normal(n) / math.sqrt(2) for _ in "ab")
        a += effect
        for arm in (a, b):
            arm[rng.random(n) < diverging] = math.nan
        found.append(paired_difference(a, b))
    return found


def two_arms() -> None:
    for n in (5, CONFIRM_SEEDS, 21, 40):
        name = f"an arm with itself, {n} seeds: a difference claimed"
        tell(
            name,
            sum(d.verdict in CLAIMS for d in studies(n, 0.0)),
            STUDIES,
            "<= 5 %" if n > 5 else "5 %, an exact test",
        )
    same = studies(CONFIRM_SEEDS, 0.0, diverging=0.1)
    name = f"the same, {CONFIRM_SEEDS} seeds, a tenth of the trials diverge"
    tell(name, sum(d.verdict in CLAIMS for d in same), STUDIES, "<= 5 %")
    for n in (5, CONFIRM_SEEDS):
        held = sum(d.low <= 0.7 <= d.high for d in studies(n, 0.7))
        tell(f"interval holds the true difference, {n} seeds", held, STUDIES, "95 %")
    found = sum(d.verdict in BETTER for d in studies(CONFIRM_SEEDS, 1.0))
    tell(f"1 sd apart, {CONFIRM_SEEDS} seeds as compare confirms: found", found, STUDIES, ">= 80 %")
    for effect in (0.75, 1.0, 1.5, 2.0):
        n = seeds_for_power(effect)
        found = sum(d.verdict in BETTER for d in studies(n, effect, count=PLANNED))
        # At 0.75 sd A wins 77 % of seeds, hardly more than the 75 % that "probably better" asks for.
        wanted = ">= 80 %" if effect >= 1 else "60 to 80 %"
        tell(f"{effect:g} sd apart, the {n} seeds that power asks for: found", found, PLANNED, wanted)
    for n in (5, 10):
        for effect in (0.0, 0.5, 1.0):
            truth = float(ndtr(effect))
            mean = float(np.mean([d.p_better for d in studies(n, effect)]))
            name = f"P(A > B) is {truth:.3f}, {n} seeds: mean estimate"
            print(f"{name:<66} {mean:.3f}")
            report[name] = round(mean, 4)


# -- races of eight arms


def spending() -> dict[str, np.ndarray]:
    """Error spent up to each look, by shape."""
    share = np.arange(1, len(LOOKS) + 1) / len(LOOKS)
    return {
        "even": np.array([alpha_spent(k, len(LOOKS), ALPHA) for k in range(1, len(LOOKS) + 1)]),
        "Pocock-like": ALPHA * np.log(1 + (math.e - 1) * share),
        "O'Brien-Fleming-like": 2 * (1 - ndtr(ndtri(1 - ALPHA / 2) / np.sqrt(share))),
    }


def simulated_scores(means: np.ndarray) -> np.ndarray:
    """(races, seeds, arms)"""
    rng = np.random.default_rng(2)
    shared = rng.standard_normal((RACES, LOOKS[-1], 1))
    return means + (shared + rng.standard_normal((RACES, LOOKS[-1], len(means)))) / math.sqrt(2)


def races(scores: np.ndarray, spent: np.ndarray, by_pairs: bool) -> tuple[np.ndarray, np.ndarray]:
    """All races at once, written a second time with arrays: who is left (races, arms), and trials spent (races,)."""
    n_races, _, n_arms = scores.shape
    every = np.arange(n_races)
    alive, cost = np.ones((n_races, n_arms), bool), np.zeros(n_races)
    for before, n, level in zip([0, *LOOKS], LOOKS, np.diff(np.r_[0, spent])):
        cost += np.where(alive.sum(1) > 1, alive.sum(1) * (n - before), 0)
        leader = np.where(alive, scores[:, :n].mean(1), -np.inf).argmax(1)
        gaps = scores[every, :n, leader][:, :, None] - scores[:, :n]
        sd = gaps.std(1, ddof=1)
        p = 2 * stdtr(n - 1, -np.abs(gaps.mean(1)) / np.where(sd == 0, 1, sd) * math.sqrt(n))
        p[every, leader], p[~alive] = np.inf, np.inf
        order = np.argsort(p, 1)
        left = np.maximum(alive.sum(1)[:, None] - 1 - np.arange(n_arms), 1)
        factor = left * (left + 1) / 2 if by_pairs else left
        ordered = np.take_along_axis(p, order, 1)
        rejected = np.cumprod(ordered * factor <= level, 1).astype(bool) & np.isfinite(ordered)
        dropped = np.zeros_like(alive)
        np.put_along_axis(dropped, order, rejected, 1)
        alive &= ~dropped
    return alive, cost


def check_against_race_step(scores: np.ndarray, alive: np.ndarray) -> None:
    for race, expected in zip(scores[:100], alive):
        left = set(range(race.shape[1]))
        for look, n in enumerate(LOOKS, 1):
            step = race_step(
                {str(i): list(race[:n, i]) for i in sorted(left)}, look=look, looks=len(LOOKS), alpha=ALPHA
            )
            left -= {int(name) for name in step["eliminated"]}
        assert left == set(np.flatnonzero(expected)), "race_step decides otherwise than its description"


def eight_arms() -> None:
    shapes = spending()
    fields = {
        "8 equal arms": np.zeros(8),
        "8 arms over 1 sd": np.linspace(0, -1, 8),
        "8 arms over 2 sd": np.linspace(0, -2, 8),
        "1 arm ahead by 1 sd": np.r_[0, -np.ones(7)],
        "4 equal, 4 behind by 3 sd": np.r_[np.zeros(4), np.full(4, -3)],
    }
    kinds = [("even", True), ("even", False), ("Pocock-like", True), ("O'Brien-Fleming-like", True)]
    print(f"\n{RACES} races of {LOOKS[-1]} seeds, looks at {', '.join(map(str, LOOKS))}, alpha {ALPHA}")
    titles = ("a best arm dropped", "worst dropped", "left", "trials")
    print(f"{'arms':<26} {'spending, Holm over':<30} " + " ".join(f"{title:>18}" for title in titles))
    for name, means in fields.items():
        scores = simulated_scores(means)
        for shape, by_pairs in kinds:
            alive, cost = races(scores, shapes[shape], by_pairs)
            if shape == "even" and by_pairs:
                check_against_race_step(scores, alive)
            best = means == means.max()
            lost, worst = 1 - alive[:, best].all(1).mean(), 1 - alive[:, -1].mean()
            kind = f"{shape}, {'pairs' if by_pairs else 'arms'}"
            cells = (f"{100 * lost:.2f} %", f"{100 * worst:.1f} %", f"{alive.sum(1).mean():.2f}", f"{cost.mean():.1f}")
            print(f"{name:<26} {kind:<30} " + " ".join(f"{cell:>18}" for cell in cells))
            report[f"{name}, {kind}: a best arm dropped"] = round(float(lost), 4)
            report[f"{name}, {kind}: trials"] = round(float(cost.mean()), 1)


def main() -> None:
    print(f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}\n")
    two_arms()
    eight_arms()
    print(json.dumps({"bench": "evidence", **report}))


if __name__ == "__main__":
    main()

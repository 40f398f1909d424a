"""How the search should choose a learning rate: how many seeds, how far around the best, weighted how; tried on trained runs.

    OMP_NUM_THREADS=1 python bench/learning_rates.py [--seeds 40] [--studies 2] [--cases digits,diabetes]

The data and the arm of bench/honesty.py. The arm trains once at 12 rates of the grid (a third of a decade apart) x --seeds, full
runs. Then the last rung of the search is played 400 times with seeds drawn from these: rates to either side of where shorter runs
would begin (the best on average, off by one step of the grid or so), two more while the best is at the edge, and the rate taken.
- runs: of an arm on this rung
- spread: sd of the rate taken, in steps of the grid
- lost: score on the test part below that of the best rate (a curve laid through the neighbours' means), in the metric's unit
- differs: how often two such choices, of one arm, would be told apart at 5 % by 19 seeds of a confirmation: 5 % were they equal
"best" takes the rate with the best mean; "mean w" the mean in the logarithm, weighted by exp(-behind / (w standard errors)).
What compare does (compare/plan.py, compare/tuning.py) is marked. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
from dataclasses import dataclass

import numpy as np
import torch
from honesty import REAL, Real, request_of
from scipy.stats import norm

from steepest.compare import tuning
from steepest.compare.machines.here import InProcess
from steepest.compare.plan import REACH, SIZES
from steepest.compare.prepare import prepared
from steepest.compare.race import EXTENSION_SIZE, N_EXTENSIONS, Request, TrialKey
from steepest.compare.shards import cut_for
from steepest.compare.study import train_rung
from steepest.core.progress import progress_of
from steepest.results.records import RungRecord

RATES = [float(f"{1e-3 * 10 ** (k / 3):.3g}") for k in range(-4, 8)]
N_CONFIRM = 19
N_PLAYS = 400
FIRST_SEED = 5000


@dataclass(frozen=True)
class Bank:
    """Scores (rates, seeds), more is better: on the select part, and the test part's true curve over the rates."""

    select: np.ndarray
    curve: np.ndarray
    sd: float
    """Of the difference between two runs of one seed at neighbouring rates."""


@dataclass(frozen=True)
class Way:
    """reach: rates to either side; n: seeds; width: of the weights, None takes the best."""

    reach: int
    n: int
    width: float | None

    @property
    def name(self) -> str:
        is_ours = (self.reach, self.n, self.width) == (REACH, SIZES[0].full_seeds, tuning.WIDTH)
        taken = "best" if self.width is None else f"mean {self.width:g}"
        return f"{2 * self.reach + 1} rates x {self.n} seeds, {taken}" + (" (compare)" if is_ours else "")


WAYS = [
    *(Way(reach, n, width) for reach, n in ((1, 3), (1, 5), (2, 2), (2, 3), (2, 5)) for width in (None, 1.5)),
    Way(2, 3, 0.5),
    Way(2, 3, 3.0),
]


def bank_of(real: Real, study: int, n_seeds: int) -> Bank:
    request = request_of(
        real,
        9000 + study,
        optimizers="adamw",
        budget=f"{2 * int(real.budget.removesuffix('epochs'))}epochs",
        baseline="mse + adamw" if real.loss != "mse" else "huber + adamw",  # two arms make a study; one is trained
    )
    held = prepared(request, command=None, bar=progress_of(False))
    plan, trainer = held.plan, held.trainer
    arm = next(a.name for a in plan.arms if not a.is_baseline)
    seeds = [FIRST_SEED + i for i in range(n_seeds)]
    rung = RungRecord("confirm", "confirm", plan.epochs, seeds)  # scored on the select and on the test part
    keys = [TrialKey(arm, lr, seed) for lr in RATES for seed in seeds]
    cut = cut_for(trainer.task, trainer.arms, plan.engine)
    outcomes, _ = train_rung(trainer, InProcess(trainer), Request(rung, keys, []), cut)
    sign = 1.0 if plan.best == "max" else -1.0
    select = sign * np.array([o.score for o in outcomes]).reshape(len(RATES), n_seeds)
    test = sign * np.array([math.nan if o.test_score is None else o.test_score for o in outcomes]).reshape(select.shape)
    top = int(np.nanmean(test, 1).argmax())
    gaps = test[top] - test[max(top - 1, 0)]
    return Bank(np.nan_to_num(select, nan=-1e9), smooth(np.nanmean(test, 1)), float(np.nanstd(gaps, ddof=1)))


def smooth(means: np.ndarray) -> np.ndarray:
    """Each rate's value on a parabola through the five around it."""
    places = np.arange(len(means))
    windows = [slice(max(0, i - 2), i + 3) for i in places]
    return np.array([np.polyval(np.polyfit(places[w], means[w], 2), i) for i, w in zip(places, windows)])


def play(bank: Bank, way: Way, draw: np.random.Generator) -> tuple[float, int]:
    """The rate taken, as a place on the grid, and how many runs that took."""
    last = len(RATES) - 1
    start = int(np.clip(round(bank.select.mean(1).argmax() + draw.normal(0, 1)), 0, last))
    low, high = max(0, start - way.reach), min(last, start + way.reach)
    seen = bank.select[:, draw.choice(bank.select.shape[1], way.n, replace=False)]
    for _ in range(N_EXTENSIONS):
        best = low + int(seen[low : high + 1].mean(1).argmax())
        if best == low and low > 0:
            low = max(0, low - EXTENSION_SIZE)
        elif best == high and high < last:
            high = min(last, high + EXTENSION_SIZE)
        else:
            break
    scores = {RATES[i]: seen[i].tolist() for i in range(low, high + 1)}
    return 3 * math.log10(taken(scores, way.width) / RATES[0]), (high - low + 1) * way.n


def taken(scores: dict[float, list[float]], width: float | None) -> float:
    if width is None:
        return max(scores, key=lambda lr: statistics.fmean(scores[lr]))
    before, tuning.WIDTH = tuning.WIDTH, width
    try:
        return tuning.best_rate(scores)
    finally:
        tuning.WIDTH = before


def judged(banks: list[Bank], way: Way) -> dict[str, float]:
    """The means over the studies of a data set."""
    found = []
    for bank in banks:
        draw = np.random.default_rng(0)
        places, runs = map(np.array, zip(*(play(bank, way, draw) for _ in range(N_PLAYS))))
        scores = np.interp(places, np.arange(len(RATES)), bank.curve)
        effect = (scores[::2] - scores[1::2]) / (bank.sd / math.sqrt(N_CONFIRM))
        differs = norm.sf(1.96 - effect) + norm.cdf(-1.96 - effect)
        found.append((runs.mean(), places.std(), bank.curve.max() - scores.mean(), differs.mean()))
    return dict(zip(("runs", "spread", "lost", "differs"), (float(np.mean(column)) for column in zip(*found))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--studies", type=int, default=2)
    parser.add_argument("--cases", default=",".join(real.data for real in REAL))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, torch {torch.__version__}; {len(RATES)} rates x {asked.seeds} seeds")
    report: dict[str, dict[str, dict[str, float]]] = {}
    for real in (r for r in REAL if r.data in asked.cases.split(",")):
        banks = [bank_of(real, study, asked.seeds) for study in range(asked.studies)]
        print(f"\n{real.data:<38} runs  spread      lost  differs")
        report[real.data] = {way.name: judged(banks, way) for way in WAYS}
        for name, told in report[real.data].items():
            print(f"{name:<38} {told['runs']:4.0f}  {told['spread']:6.2f}  {told['lost']:8.3g}  {told['differs']:7.3f}")
    print(json.dumps({"bench": "learning_rates", **report}))


if __name__ == "__main__":
    main()

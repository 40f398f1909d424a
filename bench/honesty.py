"""How often a verdict is wrong: whole studies of an arm against itself, real and simulated, and of planted differences.

    OMP_NUM_THREADS=1 python bench/honesty.py [--real 60] [--planted 20] [--simulated 2000]

A real study trains: scikit-learn's digits, breast_cancer, wine and diabetes, each --real times with another study seed (own
test part, splits, initialisations). Both arms are one loss and one rule; they share the split of each seed, as arms do,
and differ in initialisation and batch order, so nothing is really better and nothing is equal to the bit.
Planted: the second arm's scores are raised, wherever they are read, by one standard deviation of the paired differences
between seeds, measured on the studies before. Found: the verdict names it better, or probably better.
An interval is about the arms as tuned: the truth is known where both run at nearly one learning rate ("tuned alike").
Simulated: the same protocol, a made-up truth in the place of training (tests/compare/simulated.py), 2 and 4 arms.
Counts come with the 95 % Clopper-Pearson interval of their share. Seeds are fixed: the same figures anywhere. The last
line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from scipy.stats import beta

from steepest.compare.ask import ask
from steepest.compare.machines.here import InProcess
from steepest.compare.prepare import prepared
from steepest.compare.race import protocol
from steepest.compare.shards import cut_for
from steepest.compare.study import train_rung
from steepest.compare.task import Task
from steepest.compare.trainer import Shard, Trained, Trainer
from steepest.core.progress import progress_of
from steepest.data.split import Split
from steepest.results.records import Outcome, Verdict

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "compare"))
from simulated import Truth, plan_of, play

TWIN = 10**6
"""Seed s of the second arm is TWIN + s: the split of s, with an initialisation and batch orders of its own."""
SECOND = "the same again"
ALIKE = 10**0.1
"""Learning rates a tenth of a decade apart do not differ in score: near its top the curve is flat."""
BETTER = ("better", "probably better")
CLAIMS = (*BETTER, "worse", "probably worse")
report: dict[str, float] = {}


@dataclass(frozen=True)
class Real:
    data: str
    loss: str
    metric: str
    budget: str


REAL = (
    Real("digits", "cross_entropy", "accuracy", "1000epochs"),
    Real("breast_cancer", "cross_entropy", "accuracy", "2200epochs"),
    Real("wine", "cross_entropy", "accuracy", "6000epochs"),
    Real("diabetes", "mse", "mean_squared_error", "3800epochs"),
)


class Apart(Task):
    """Twin seeds share a split and nothing else."""

    def split(self, seed: int) -> Split:
        return super().split(seed % TWIN)


class TwinTrainer(Trainer):
    """Trains the second arm on twin seeds, and raises its scores by `lead`."""

    lead = 0.0

    def train(self, shard: Shard) -> Trained:
        moved = [replace(k, seed=k.seed + TWIN) if k.arm == SECOND else k for k in shard.trials]
        return Trained([self._told(o) for o in super().train(replace(shard, trials=tuple(moved))).outcomes], {})

    def _told(self, o: Outcome) -> Outcome:
        if o.arm != SECOND:
            return o
        raised = None if o.test_score is None else o.test_score + self.lead
        return replace(o, seed=o.seed % TWIN, score=o.score + self.lead, test_score=raised)


def request_of(real: Real, seed: int, **changes: Any) -> Any:
    """What a study of one data set asks, with changes."""
    usual: dict[str, Any] = {
        "model": "mlp",
        "data": real.data,
        "losses": real.loss,
        "weightings": "none",
        "schedules": "warmup_cosine",
        "metric": real.metric,
        "budget": real.budget,
        "seeds": "auto",
        "baseline": None,
        "seed": seed,
        "rope": None,
        "task": None,
        "batch_size": 64,
        "epochs": None,
        "engine": "auto",
    }
    return ask(**{**usual, **changes})


def real_study(real: Real, seed: int, lead: float) -> tuple[Verdict, list[Outcome]]:
    """The whole protocol with training; lead in the metric's scale, better upwards."""
    request = request_of(real, seed, optimizers="adamw, nadamw")
    first = request.arms[0]
    request = replace(request, arms=[first, replace(first, arm=replace(first.arm, name=SECOND))])
    study = prepared(request, command=None, bar=progress_of(False))
    old = study.trainer.task
    task = Apart(old.build_model, old.data, old.metric, batch_size=old.batch_size, seed=old.seed)
    trainer = TwinTrainer(**{**vars(study.trainer), "task": task})
    object.__setattr__(trainer, "lead", lead if study.plan.best == "max" else -lead)
    return converse(study.plan, trainer)


def converse(plan: Any, trainer: Any) -> tuple[Verdict, list[Outcome]]:
    talk, outcomes = protocol(plan), []
    machines, cut = InProcess(trainer), cut_for(trainer.task, trainer.arms, plan.engine)
    request = next(talk)
    while True:
        answer, _ = train_rung(trainer, machines, request, cut)
        outcomes += answer
        try:
            request = talk.send(answer)
        except StopIteration as end:
            return end.value[0], outcomes


def paired_gaps(outcomes: Iterable[Outcome]) -> list[float]:
    """Second arm minus first, seed by seed, on the test part."""
    final: dict[int, dict[bool, float]] = {}
    for o in outcomes:
        if o.test_score is not None:
            final.setdefault(o.seed, {})[o.arm == SECOND] = o.test_score
    return [pair[True] - pair[False] for pair in final.values() if len(pair) == 2]


def holds(verdict: Verdict, levels: Mapping[str, float]) -> bool:
    """The interval of winner minus runner-up contains the truth; levels: how good an arm is, 0 where not named."""
    d = verdict.confirmation[0]
    return d.low <= levels.get(d.a, 0.0) - levels.get(d.b, 0.0) <= d.high


def tuned_alike(verdict: Verdict) -> bool:
    """Winner and runner-up run at nearly one learning rate: else their true difference is not known."""
    rates = {a.name: a.learning_rate for a in verdict.arms}
    if not verdict.confirmation:
        return False
    a, b = (float(rates[name] or math.nan) for name in (verdict.confirmation[0].a, verdict.confirmation[0].b))
    return max(a / b, b / a) <= ALIKE


def found(verdict: Verdict, second: str) -> bool:
    """Named better, or probably better, than the other."""
    d = verdict.confirmation[0] if verdict.confirmation else None
    return d is not None and ((d.a == second and d.verdict in BETTER) or (d.b == second and d.verdict in CLAIMS[2:]))


def claimed(verdict: Verdict) -> bool:
    return any(d.verdict in CLAIMS for d in verdict.confirmation)


def tell(name: str, count: int, of: int, wanted: str) -> None:
    """One row: a count, its share and the Clopper-Pearson interval of the share."""
    if not of:
        print(f"{name:<62} no such study")
        return
    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, of - count + 1))
    high = 1.0 if count == of else float(beta.ppf(0.975, count + 1, of - count))
    print(
        f"{name:<62} {count:>5} of {of:<5} {100 * count / of:6.2f} %  ({100 * low:.1f} to {100 * high:.1f})   {wanted}",
        flush=True,
    )
    report[name] = round(count / of, 4)


def real_part(n_same: int, n_planted: int) -> None:
    rows = [one_data_set(real, 1000 * (at + 1), n_same, n_planted) for at, real in enumerate(REAL)]
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    tell("real: an arm with itself, a difference claimed", total["claimed"], total["same"], "<= 5 %")
    tell("real: the interval holds the true difference 0", total["held"], total["alike"], "93 to 97 %")
    tell("real: one sd planted, found", total["found"], total["planted"], ">= 80 %")
    tell("real: the interval holds the planted difference", total["held planted"], total["alike planted"], "93 to 97 %")
    print(f"without a confirmation, as the best learning rate lay at the edge: {total['no confirmation']} studies")


def one_data_set(real: Real, first_seed: int, n_same: int, n_planted: int) -> dict[str, int]:
    """Counts over the studies of one data set; one line about them."""
    begun = time.process_time()
    studies = [real_study(real, first_seed + i, 0.0) for i in range(n_same)]
    gaps = [paired_gaps(outcomes) for _, outcomes in studies]
    sd = math.sqrt(statistics.fmean(statistics.variance(g) for g in gaps if len(g) > 1))
    same = [verdict for verdict, _ in studies]
    planted = [real_study(real, first_seed + n_same + i, sd)[0] for i in range(n_planted)]
    alike, alike_planted = [v for v in same if tuned_alike(v)], [v for v in planted if tuned_alike(v)]
    row = {
        "same": len(same),
        "claimed": sum(map(claimed, same)),
        "alike": len(alike),
        "held": sum(holds(v, {}) for v in alike),
        "planted": len(planted),
        "found": sum(found(v, SECOND) for v in planted),
        "alike planted": len(alike_planted),
        "held planted": sum(holds(v, {SECOND: sd}) for v in alike_planted),
        "no confirmation": sum(not v.confirmation for v in [*same, *planted]),
    }
    seeds = statistics.fmean(len(g) for g in gaps)
    print(
        f"{real.data}: sd of paired differences {sd:.4g}, {seeds:.0f} seeds confirm; {row['claimed']} claims in {row['same']}, "
        f"0 held {row['held']} of {row['alike']} tuned alike; planted: found {row['found']} of {row['planted']}, "
        f"held {row['held planted']} of {row['alike planted']}; {time.process_time() - begun:.0f} s CPU",
        flush=True,
    )
    return row


def simulated_part(n: int) -> None:
    sd = 0.01
    lead = sd * math.sqrt(2)
    for names in (["a", "b"], ["a", "b", "c", "d"]):
        arms, equal = f"simulated: {len(names)} arms", dict.fromkeys(names, 0.9)
        same, held, alike = simulated_studies(equal, sd, range(n))
        tell(f"{arms}, all equal: a difference claimed", sum(map(claimed, same)), n, "<= 5 %")
        tell(f"{arms}, all equal: the interval holds the truth", held, alike, "93 to 97 %")
        ahead, held, alike = simulated_studies(equal | {"b": 0.9 + lead}, sd, range(n, 2 * n))
        tell(f"{arms}, one ahead by one sd: found", sum(found(v, "b") for v in ahead), n, ">= 80 %")
        tell(f"{arms}, one ahead by one sd: the interval holds the truth", held, alike, "93 to 97 %")


def simulated_studies(levels: dict[str, float], sd: float, seeds: Iterable[int]) -> tuple[list[Verdict], int, int]:
    """Verdicts; how many intervals hold the difference of the arms as tuned; of how many confirmations."""
    plan, verdicts, held = plan_of(list(levels)), [], 0
    for seed in seeds:
        truth = Truth(levels, sd=sd, seed=seed)
        verdict = play(plan, truth)[0]
        verdicts.append(verdict)
        as_tuned = {a.name: truth.level(a.name, a.learning_rate) for a in verdict.arms if a.learning_rate}
        held += bool(verdict.confirmation) and holds(verdict, as_tuned)
    return verdicts, held, sum(bool(v.confirmation) for v in verdicts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=int, default=60, help="studies of an arm with itself, per data set")
    parser.add_argument("--planted", type=int, default=20, help="studies with a planted difference, per data set")
    parser.add_argument("--simulated", type=int, default=2000, help="simulated studies per row")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, torch {torch.__version__}")
    if asked.simulated:
        simulated_part(asked.simulated)
    if asked.real:
        real_part(asked.real, asked.planted)
    print(json.dumps({"bench": "honesty", **report}))


if __name__ == "__main__":
    main()

"""Time to a supported decision: compare against a 10-seed factorial, Optuna and Ray Tune on studies with known answers.

    OMP_NUM_THREADS=1 python bench/decision.py [--repeats 5] [--seeds 10] [--cases digits] [--only ray]

The question: which loss, optimizer and learning rate? 3 losses x 2 rules x the 7 learning rates of compare's own grid, runs
of 20 epochs at a constant rate, one thread. All train the same models on the same splits, from the same initialisations.
- known answer: every arm at every learning rate on 100 fresh seeds, as populations. The best is that of 60 of them (6 studies, each
  with its own test part, x 10). Regret: how far the mean test accuracy of what was chosen lies below the best one, in points, on
  the other 40 (10 studies x 4), which chose nothing: it may be below 0.
- factorial: every arm x rate x 10 seeds in a plain loop of torch.nn and torch.optim; the best mean select accuracy wins. Its
  regret is the mean over the 6 studies of the known answer.
- Optuna, the same trials: one trial of its GridSampler per (arm, rate, seed), the same loop inside, in memory.
- Optuna, its own way: TPE over arm and rate, as many trials as there are pairs, a trial the mean of 10 seeds, WilcoxonPruner.
- Ray Tune: the same trials as the factorial, one trainable per (arm, rate, seed), two at once, actors reused (one process per
  trial costs it several times more). Its start is in its time, as that of our second process is in ours, and printed beside.
- compare: whole calls (data loaded, folder and page written), several study seeds, between the others; medians, and the mean regret.
  In one process, and in two: Ray, which has two, is held against the quicker.
Wall-clock seconds and CPU seconds of all processes; a peer that is not installed is named. The last line is JSON.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import steepest as st
from steepest import data, losses, metrics, models, optim
from steepest.compare import Arm, Population, Trial
from steepest.compare.arms import N_LEARNING_RATES, learning_rates
from steepest.compare.task import Task
from steepest.core.streams import generator
from steepest.optim import schedules

EPOCHS = 20
CHOOSING = [(study, 5000 + seed) for study in range(100, 106) for seed in range(10)]
MEASURING = [(study, 5000 + seed) for study in range(200, 210) for seed in range(4)]
"""Study seeds (each a test part) and run seeds of the known answer; nothing else uses them."""
Pair = tuple[str, str, float]
"""Loss, rule, learning rate."""
Scores = dict[Pair, list[float]]
RAY_AT_ONCE = 2
"""Trials of Ray Tune that train at the same time, one processor each."""


# -- the arms, ours and as torch users write them ----------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A study: its data, its model, and the losses in both ways."""

    name: str
    data: str
    model: str
    build: Callable[[], nn.Module]
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]]

    def task(self, study_seed: int) -> Task:
        return Task(self.build, data.load(self.data), metrics.accuracy, seed=study_seed)


def one_hot(y: Tensor, n: int) -> Tensor:
    return F.one_hot(y, n).float()


def class_losses(n: int) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    return {
        "cross_entropy": F.cross_entropy,
        "bce_with_logits": lambda z, y: F.binary_cross_entropy_with_logits(z, one_hot(y, n)),
        "mse": lambda z, y: F.mse_loss(z, one_hot(y, n)),
    }


CASES = (
    Case("digits, 64-64-64-10", "digits", "mlp", lambda: models.mlp(64, 10), class_losses(10)),
    Case("breast cancer, 30-64-64-2", "breast_cancer", "mlp", lambda: models.mlp(30, 2), class_losses(2)),
)
OPTIMIZERS: dict[str, Callable[[Any, float], torch.optim.Optimizer]] = {
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr),
    "sgd(momentum=0.9)": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
}
RULES: dict[str, tuple[Any, dict[str, float]]] = {
    "adamw": (optim.adamw, {}),
    "sgd(momentum=0.9)": (optim.sgd, {"momentum": 0.9}),
}


def pairs_of(case: Case) -> list[Pair]:
    """Every arm at every learning rate of compare's grid."""
    return [
        (loss, rule, lr)
        for loss, rule in itertools.product(case.losses, OPTIMIZERS)
        for lr in learning_rates(RULES[rule][0], N_LEARNING_RATES)
    ]


def plain_run(case: Case, task: Task, pair: Pair, seed: int) -> float:
    """One trial as a competent user writes it; accuracy on the select part."""
    loss_name, rule, lr = pair
    train, select, model = task.train_set(seed), task.select_set(seed), task.build(seed).train()
    loss_of, optimizer = case.losses[loss_name], OPTIMIZERS[rule](model.parameters(), lr)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(train.y), generator=generator("batches", task.seed, seed, epoch))
        for rows in order.split(task.batch_sizes):
            optimizer.zero_grad()
            loss_of(model(train.x[rows]), train.y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        return (model(select.x).argmax(1) == select.y).float().mean().item()


# -- the known answer --------------------------------------------------------------------------------------------------


class Answer:
    """Scores of every pair on the seeds of the known answer; a pair that compare added is trained when asked for."""

    def __init__(self, case: Case, n_seeds: int) -> None:
        self.case, self.scores = case, {}
        select, test = self._trained(pairs_of(case), CHOOSING)
        self.best = best_of(test)
        per_study = len(CHOOSING) // len({study for study, _ in CHOOSING})
        parts = [slice(i, i + min(n_seeds, per_study)) for i in range(0, len(CHOOSING), per_study)]
        self.factorials = [best_of({pair: scores[part] for pair, scores in select.items()}) for part in parts]
        self.scores = self._trained(pairs_of(case), MEASURING)[1]

    def _trained(self, pairs: list[Pair], seeds: list[tuple[int, int]]) -> tuple[Scores, Scores]:
        """Accuracies on the select and on the test part, in the order of the seeds."""
        select: Scores = {pair: [] for pair in pairs}
        test: Scores = {pair: [] for pair in pairs}
        for study, own in itertools.groupby(seeds, key=lambda one: one[0]):
            task = self.case.task(study)
            trials = [Trial(arm_of(pair), pair[2], seed) for _, seed in own for pair in pairs]
            for part in (trials[i : i + 128] for i in range(0, len(trials), 128)):
                self._train(task, part, select, test)
        return select, test

    def _train(self, task: Task, trials: list[Trial], select: Scores, test: Scores) -> None:
        population = Population(task, trials, horizon=EPOCHS * task.steps_per_epoch)
        population.train(EPOCHS * task.steps_per_epoch)
        for part, kept in ((task.select_set, select), (task.test_set, test)):
            parts = [part(t.seed) for t in trials]
            scores = task.score(task.metric, population.predict({t.seed: part(t.seed).x for t in trials}), parts)
            for trial, score in zip(trials, scores.nan_to_num(0.0).tolist()):
                kept[(*trial.arm.name.split(" + "), trial.learning_rate)].append(score)

    def regret(self, chosen: list[Pair]) -> tuple[float, float]:
        """Points of test accuracy below the best pair of the grid, mean over the decisions and over the seeds; its standard
        error, of the seeds alone (the decisions are few)."""
        missing = [pair for pair in dict.fromkeys(chosen) if pair not in self.scores]
        if missing:
            self.scores |= self._trained(missing, MEASURING)[1]
        own = [statistics.fmean(column) for column in zip(*(self.scores[pair] for pair in chosen))]
        gaps = [100 * (best - x) for best, x in zip(self.scores[self.best], own)]
        return statistics.fmean(gaps), statistics.stdev(gaps) / len(gaps) ** 0.5


def arm_of(pair: Pair) -> Arm:
    loss, rule, _ = pair
    item, hyper = RULES[rule]
    return Arm(
        loss=getattr(losses, loss), rule=item, rule_hyper=hyper, schedule=schedules.constant, name=f"{loss} + {rule}"
    )


# -- the ways to decide ------------------------------------------------------------------------------------------------


def factorial(case: Case, n_seeds: int) -> Pair:
    task = case.task(0)
    return best_of({pair: [plain_run(case, task, pair, s) for s in range(n_seeds)] for pair in pairs_of(case)})


def best_of(scores: Scores) -> Pair:
    return max(scores, key=lambda pair: statistics.fmean(scores[pair]))


@contextmanager
def quiet_optuna() -> Iterator[None]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield


def optuna_same_trials(case: Case, n_seeds: int) -> Pair:
    import optuna

    task, pairs = case.task(0), pairs_of(case)
    space = {"pair": list(range(len(pairs))), "seed": list(range(n_seeds))}

    def objective(trial: Any) -> float:
        at, seed = (trial.suggest_categorical(name, values) for name, values in space.items())
        return plain_run(case, task, pairs[at], seed)

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.GridSampler(space, seed=0))
    study.optimize(objective, n_trials=len(pairs) * n_seeds)
    scores: dict[Pair, list[float]] = {}
    for trial in study.trials:
        scores.setdefault(pairs[trial.params["pair"]], []).append(trial.value)
    return best_of(scores)


def optuna_own_way(case: Case, n_seeds: int) -> Pair:
    import optuna

    task, n_trials = case.task(0), len(pairs_of(case))

    def objective(trial: Any) -> float:
        loss = trial.suggest_categorical("loss", list(case.losses))
        rule = trial.suggest_categorical("rule", list(OPTIMIZERS))
        lr = trial.suggest_float("lr", 1e-5, 1.0, log=True)
        scores = []
        for seed in range(n_seeds):
            scores.append(plain_run(case, task, (loss, rule, lr), seed))
            trial.report(scores[-1], seed)
            if trial.should_prune():
                return statistics.fmean(scores)
        return statistics.fmean(scores)

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=0), pruner=optuna.pruners.WilcoxonPruner()
    )
    study.optimize(objective, n_trials=n_trials)
    best = study.best_params
    return best["loss"], best["rule"], best["lr"]


@contextmanager
def ray_cluster() -> Iterator[None]:
    """Two processors, quiet. The workers are sent this file, so they find it however it was started."""
    import ray

    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    begun = time.perf_counter()
    ray.init(num_cpus=RAY_AT_ONCE, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    print(f"Ray starts in {time.perf_counter() - begun:.1f} s", flush=True)
    try:
        yield
    finally:
        ray.shutdown()


def ray_same_trials(case: Case, n_seeds: int) -> Pair:
    from ray import tune

    pairs = pairs_of(case)

    def trainable(config: dict[str, int], task: Task) -> None:
        torch.set_num_threads(1)
        tune.report({"score": plain_run(case, task, pairs[config["pair"]], config["seed"])})

    with tempfile.TemporaryDirectory() as folder:
        table = (
            tune.Tuner(
                tune.with_parameters(trainable, task=case.task(0)),
                param_space={
                    "pair": tune.grid_search(list(range(len(pairs)))),
                    "seed": tune.grid_search(list(range(n_seeds))),
                },
                run_config=tune.RunConfig(storage_path=folder, verbose=0),
                tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=RAY_AT_ONCE),
            )
            .fit()
            .get_dataframe()
        )
    means = table.groupby("config/pair")["score"].mean()
    return pairs[int(means.idxmax())]


def ours(case: Case, study_seed: int, n_seeds: int, machines: str) -> tuple[Pair, str]:
    with tempfile.TemporaryDirectory() as folder:
        results = st.compare(
            case.model,
            case.data,
            losses=list(case.losses),
            optimizers=list(OPTIMIZERS),
            schedules="constant",
            metric="accuracy",
            epochs=EPOCHS,
            budget="100000epochs",
            seeds=n_seeds,
            seed=study_seed,
            out=f"{folder}/study",
            progress=False,
            machines=machines,
        )
    arm = next(a for a in results.verdict.arms if a.name == results.verdict.winner)
    loss, rule = arm.name.split(" + ")
    return (loss, rule, float(arm.learning_rate or 0.0)), results.verdict.kind


# -- measuring ---------------------------------------------------------------------------------------------------------


@dataclass
class Cost:
    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    """Seconds on the wall and on the processors, of this process and of those that stand below it."""
    cost, begun, ended = Cost(), below(os.getpid()), threading.Event()
    used = dict(begun)

    def watch() -> None:  # Ray's workers are gone, and their seconds with them, when it gives its table
        while not ended.wait(1):
            used.update(below(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield cost
    finally:
        cost.wall, own = time.perf_counter() - wall, time.process_time() - cpu
        ended.set()
        watcher.join()
        cost.cpu = own + sum(seconds - begun.get(process, 0.0) for process, seconds in used.items())


def below(parent: int) -> dict[int, float]:
    """The processes below this one and the processor seconds of each; none where there is no /proc."""
    parent_of, used = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parent_of[int(folder.name)] = int(fields[1])
            used[int(folder.name)] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    found: dict[int, float] = {}
    level = {parent}
    while level := {child for child, of in parent_of.items() if of in level}:
        found.update((child, used[child]) for child in level)
    return found


def decide(case: Case, n_seeds: int, repeats: int, only: str) -> list[dict[str, Any]]:
    answer = Answer(case, n_seeds)
    best, n_trials = answer.best, len(pairs_of(case)) * n_seeds
    top = sorted(
        {pair: 100 * statistics.fmean(s) for pair, s in answer.scores.items()}.items(), key=lambda one: -one[1]
    )
    print(
        f"\n{case.name}: {n_trials} trials in the factorial; best {best}, next "
        + ", ".join(f"{'+'.join(map(str, pair))} -{top[0][1] - score:.2f}" for pair, score in top[1:4])
    )
    asked = [way for way in WAYS if only.lower() in way[0].lower()]
    ours_one, ours_two = Ours("compare", "local", answer), Ours("compare, two processes", "local:2", answer)
    costs: dict[str, tuple[Cost, Pair]] = {}
    for turn, way in enumerate([None, *asked]):
        if way is not None and (cost := of_way(case, n_seeds, way)) is not None:
            costs[way[0]] = cost
        for i in range(turn, repeats, len(asked) + 1):  # before, between and after the others: noise falls on all alike
            for run in (ours_one, ours_two):
                run.call(i, n_seeds)
    rows = [ours_one.row(), ours_two.row()]
    for name, package, way, _ in asked:
        if name not in costs:
            continue
        cost, pair = costs[name]
        regret = answer.regret(answer.factorials if way is factorial else [pair])
        own = min(ours_one.cost, ours_two.cost, key=lambda one: one.wall) if package == "ray" else ours_one.cost
        rows.append(row(name, cost, own, regret, "no verdict, a ranking"))
    return rows


def of_way(case: Case, n_seeds: int, way: Way) -> tuple[Cost, Pair] | None:
    name, package, decided_by, around = way
    if package and importlib.util.find_spec(package) is None:
        print(f"{name}: {package} is not installed")
        return None
    if package:
        importlib.import_module(package)  # as ours is imported
    with ExitStack() as running, measured() as cost:
        running.enter_context(around())
        pair = decided_by(case, n_seeds)
    return cost, pair


@dataclass
class Ours:
    """Calls of compare, each with another study seed: median cost, mean regret, what the verdicts say."""

    name: str
    machines: str
    answer: Answer
    costs: list[Cost] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    def call(self, study_seed: int, n_seeds: int) -> None:
        with measured() as cost:
            pair, kind = ours(self.answer.case, study_seed, n_seeds, self.machines)
        self.costs.append(cost)
        self.pairs.append(pair)
        self.verdicts.append(kind)

    @property
    def cost(self) -> Cost:
        return Cost(statistics.median(c.wall for c in self.costs), statistics.median(c.cpu for c in self.costs))

    def row(self) -> dict[str, Any]:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(self.verdicts).items()))
        return row(self.name, self.cost, self.cost, self.answer.regret(self.pairs), kinds)


Way = tuple[str, str, Callable[[Case, int], Pair], Callable[[], AbstractContextManager[None]]]
WAYS: tuple[Way, ...] = (
    ("10-seed factorial, plain loop", "", factorial, nullcontext),
    ("Optuna, the same trials", "optuna", optuna_same_trials, quiet_optuna),
    ("Optuna, TPE and WilcoxonPruner", "optuna", optuna_own_way, quiet_optuna),
    ("Ray Tune, the same trials", "ray", ray_same_trials, ray_cluster),
)
"""Name, package that it needs, way, and what stands around it."""


def row(name: str, cost: Cost, own: Cost, regret: tuple[float, float], kinds: str) -> dict[str, Any]:
    print(
        f"{name:<32} wall {cost.wall:7.1f} s ({own.wall / cost.wall:5.3f})   CPU {cost.cpu:7.1f} s "
        f"({own.cpu / cost.cpu:5.3f})   regret {regret[0]:6.2f} +- {regret[1]:.2f} points   {kinds}",
        flush=True,
    )
    return {"way": name, "wall": cost.wall, "cpu": cost.cpu, "regret": regret[0], "share_of_wall": own.wall / cost.wall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="calls of compare, each with another study seed")
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the factorial and of its peers")
    parser.add_argument("--cases", default="digits,breast_cancer", help="data sets")
    parser.add_argument("--only", default="", help="only the peers whose name holds this, such as ray")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    versions = {name: version(name) for name in ("torch", "optuna", "ray") if importlib.util.find_spec(name)}
    print(f"Python {platform.python_version()}, {versions}; in brackets: compare's cost as a share of it")
    cases = [case for case in CASES if case.data in asked.cases.split(",")]
    rows = {case.data: decide(case, asked.seeds, asked.repeats, asked.only) for case in cases}
    print(json.dumps({"bench": "decision", "versions": versions, **rows}))


if __name__ == "__main__":
    main()

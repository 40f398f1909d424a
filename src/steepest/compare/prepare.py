"""From what was asked to a study that is ready to run: the task, the plan that fits the budget, the trainer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from steepest import data as data_catalogue
from steepest import metrics as metric_catalogue
from steepest import models as model_catalogue
from steepest.core.item import Item
from steepest.models.facts import Facts
from steepest.results.records import ArmRecord, Event, Plan

from .arms import ArmChoice
from .ask import Request, spec_of, text_of
from .first_look import leaks_of, refuse_equal_rows, refuse_mistakes
from .limits import memory_of
from .plan import RACE_LOOKS, SIZES, TIME_SAFETY, Course, fit_budget, forecast
from .population import Population
from .race import TrialKey
from .shards import MEMORY, cut_for, need_of
from .task import Task
from .trainer import Trainer, one_thread
from .trial import Arm, Trial
from .versions import versions

ALPHA = 0.05
PROBE_SECONDS = 0.6
SPACES = ("losses", "weightings", "optimizers", "schedules")
"""What may be asked for in words or as objects, several at once."""


@dataclass(frozen=True)
class Prepared:
    plan: Plan
    trainer: Trainer
    events: list[Event]
    request: Request


def prepared(
    request: Request,
    command: str | None,
    bar: Any,
    n_workers: int = 1,
    memory: str | int | None = None,
    devices: Sequence[str] = ("cpu",),
) -> Prepared:
    """Everything checked, the budget turned into a plan, nothing trained but a short probe on the first of the devices.

    n_workers: shards that will train at the same time; a budget of time then pays for more. memory: see limits.memory_of.
    """
    task = task_of(request).on(devices[0])
    limit, need = memory_of(memory, task.device), need_of(task, {a.arm.name: a.arm for a in request.arms})
    if memory is not None and limit is not None:
        need.refuse_less(limit)
    if request.asked.get("check", True):
        refuse_equal_rows(task)
        refuse_mistakes(task, [a.arm for a in request.arms])
    engine = _probe_population(request, task, limit, need.most_trials(limit or MEMORY))
    trial_epochs = request.budget.epochs
    if trial_epochs is None:
        faster = _speedup(request, task, engine.engine, n_workers, limit)
        trial_epochs = _epochs_in(request, task, engine, bar) * faster
    n_tuned = sum(not a.is_fixed for a in request.arms)
    course = fit_budget(
        trial_epochs, len(request.arms), n_tuned, task.steps_per_epoch, request.n_seeds, request.asked["epochs"]
    )
    plan = _plan(request, task, course, trial_epochs, engine.engine, command)
    plan = replace(plan, memory=limit, device=", ".join(devices))
    first = [Event("engine", "", "", engine.message, {"engine": engine.engine})]
    for told in leaks_of(task) if request.asked.get("check", True) else ():
        bar.say(told)
        first.append(Event("data", "", "", told, {}))
    return Prepared(plan, trainer_of(task, request, plan, bar), first, request)


def task_of(request: Request) -> Task:
    """Model, data and metric of a request; each of its arms can be trained on them."""
    facts, asked = Facts.of(request.data), request.asked

    def build() -> nn.Module:
        return request.build(facts)

    task = Task(build, request.data, request.metric, batch_size=asked["batch_size"], seed=asked["seed"])
    for choice in request.arms:
        task.check(choice.arm)
    return task


def trainer_of(task: Task, request: Request, plan: Plan, bar: Any) -> Trainer:
    task_name, metric = request.metric.task, request.metric
    usual = [m for m in metric_catalogue if m.usual and m.task == task_name and m.name != metric.name]
    beside = request.beside or usual
    return Trainer(task, {a.arm.name: a.arm for a in request.arms}, plan, [metric, *beside], bar)


def _probe_population(request: Request, task: Task, limit: int | None, most: int) -> Population:
    """Every arm at its middle learning rate on the seeds of the race's first look, at most so many trials."""
    rates = {a.arm.name: a.learning_rates[len(a.learning_rates) // 2] for a in request.arms}
    trials = [Trial(a.arm, rates[a.arm.name], seed) for seed in range(5) for a in request.arms]
    horizon, engine = 10 * task.steps_per_epoch, request.asked["engine"]
    return Population(task, trials[:most], horizon=horizon, engine=engine, memory=limit)


def _epochs_in(request: Request, task: Task, population: Population, bar: Any) -> float:
    """How many trial epochs the time budget pays for on this machine, from a short probe of steps and one evaluation."""
    bar.say("measuring this machine")
    parts = {seed: task.select_set(seed).x for seed in range(5)}
    with one_thread():
        population.train(2)
        per_step = _seconds_of(lambda: population.train(1), at_least=3)
        per_evaluation = _seconds_of(lambda: population.predict(parts), at_least=1)
    looks = 1.0 if any(a.arm.reduction is not None for a in request.arms) else 0.5  # a plateau asks after every epoch
    per_epoch = (per_step * task.steps_per_epoch + per_evaluation * looks) / len(population.trials)
    assert request.budget.seconds is not None
    return TIME_SAFETY * request.budget.seconds / per_epoch


def _speedup(request: Request, task: Task, engine: str, n_workers: int, limit: int | None) -> float:
    """How many times sooner the workers end the race's first look, the least divisible of the long rungs."""
    if n_workers == 1:
        return 1.0
    arms = {a.arm.name: a.arm for a in request.arms}
    trials = [TrialKey(name, 0.0, seed) for name in arms for seed in range(RACE_LOOKS[0])]
    n_shards = len(cut_for(task, arms, engine, limit).of(trials, arms))
    return n_shards / -(-n_shards // n_workers)


def _seconds_of(work: Callable[[], object], at_least: int) -> float:
    """Mean seconds of a piece of work, repeated for a short while."""
    begun, n = time.perf_counter(), 0
    while n < at_least or time.perf_counter() - begun < PROBE_SECONDS / 2:
        work()
        if torch.cuda.is_initialized():  # it has only been told what to do
            torch.cuda.synchronize()
        n += 1
    return (time.perf_counter() - begun) / n


def _plan(request: Request, task: Task, course: Course, budget_epochs: float, engine: str, command: str | None) -> Plan:
    n_confirm = len(course.rungs[-1].seeds)
    metric, asked = request.metric, request.asked
    is_share = metric.unit == "share"
    seconds = request.budget.seconds and request.budget.seconds * min(1.0, course.cost / budget_epochs)
    return Plan(
        arms=[_record(a, course) for a in request.arms],
        rungs=course.rungs,
        metric=metric.name,
        best=metric.best,
        unit="points" if is_share else metric.unit,
        task=request.data.task,
        model=text_of(asked["model"]),
        data=_data_facts(request, task),
        batch_size=task.batch_size,
        epochs=course.epochs,
        budget=request.budget.text,
        budget_epochs=math.floor(budget_epochs),
        max_seeds=request.n_seeds,
        rope=None if asked["rope"] is None else asked["rope"] / (100 if is_share else 1),
        alpha=ALPHA,
        seed=asked["seed"],
        engine=engine,
        device=str(task.device),
        command=command or "",
        python=_python_call(request),
        versions=versions(),
        forecast=forecast(course.cost, seconds, n_confirm),
        n_parameters=sum(p.numel() for p in task.build(0).parameters()),
        request=request.text,
        sources=_sources(request),
        resampled=task.resamples,
    )


def _record(choice: ArmChoice, course: Course) -> ArmRecord:
    lean = course.size is not SIZES[0] and not choice.is_fixed
    rates = _thinned(choice.learning_rates, course.size.n_learning_rates) if lean else list(choice.learning_rates)
    return ArmRecord(
        name=choice.arm.name,
        loss=choice.loss,
        weighting=choice.weighting,
        optimizer=choice.optimizer,
        schedule=choice.schedule,
        is_baseline=choice.is_baseline,
        learning_rates=rates,
        fixed_learning_rate=choice.is_fixed,
        takes_counts=choice.arm.takes_counts,
        weighting_gives=choice.arm.weighting.gives if choice.arm.weighting else "class_weight",
        optimizer_class=choice.arm.rule.class_name,
        untuned=choice.untuned,
    )


def _thinned(rates: Sequence[float], n: int) -> list[float]:
    """n of the rates, evenly spread, ends included."""
    return [rates[round(i * (len(rates) - 1) / (n - 1))] for i in range(n)]


def _data_facts(request: Request, task: Task) -> dict[str, Any]:
    data, split = request.data, task.split(0)
    return {
        "name": data.name,
        "n_samples": data.n_samples,
        "n_train": len(split.train),
        "n_select": len(split.select),
        "n_test": len(split.test),
        "n_features": data.n_features,
        "shape": list(data.shape),
        "n_classes": data.n_classes,
        "class_names": list(data.class_names) if data.class_names else None,
        "fingerprint": data.fingerprint,
    }


def _sources(request: Request) -> dict[str, str]:
    items: list[Item | None] = [item for a in request.arms for item in _catalogued(a.arm)]
    items += [term.loss for a in request.arms for term in a.arm.terms]
    items += [use.transform for a in request.arms for use in a.arm.transforms]
    for catalogue, asked in ((data_catalogue, request.asked["data"]), (model_catalogue, request.asked["model"])):
        name = asked.split("(")[0] if isinstance(asked, str) else ""
        items += [catalogue[name]] if name in catalogue else []  # type: ignore[operator, index]
    return {item.name: item.source for item in [*items, request.metric] if item is not None and item.source}


def _catalogued(arm: Arm) -> tuple[Item | None, ...]:
    return arm.weighting, arm.rule, arm.schedule, arm.reduction


def _python_call(request: Request) -> str:
    asked, shown = request.asked, []
    defaults = {"schedules": "warmup_cosine", "seeds": "auto", "seed": 0, "batch_size": 64, "engine": "auto"}
    defaults["weightings"] = "none"
    for name in (
        "losses",
        "weightings",
        "optimizers",
        "schedules",
        "metric",
        "budget",
        "seeds",
        "baseline",
        "seed",
        "rope",
        "task",
        "batch_size",
        "epochs",
        "engine",
    ):
        value = asked[name] if name not in SPACES else spec_of(asked[name])
        if value is None and asked[name] is not None:
            shown.append(f"{name}={_objects(asked[name])}")
        elif value is not None and value != defaults.get(name):
            shown.append(f"{name}={value!r}")
    model, data = (repr(asked[k]) if isinstance(asked[k], str) else text_of(asked[k]) for k in ("model", "data"))
    return f"steepest.compare({model}, {data}, {', '.join(shown)})"


def _objects(asked: Any) -> str:
    """A list, dictionary or object in words, as near to the user's own as can be."""
    if isinstance(asked, Mapping):
        return "{" + ", ".join(f"{name!r}: {_objects(one)}" for name, one in asked.items()) + "}"
    if isinstance(asked, (list, tuple)):
        return f"[{', '.join(map(_objects, asked))}]"
    return repr(asked) if isinstance(asked, str) else text_of(asked)


def plan_in_words(plan: Plan) -> str:
    """The plan for a dry run."""
    rungs = "\n".join(f"  {r.name}: {r.epochs} epochs, seeds {r.seeds[0]} to {r.seeds[-1]}" for r in plan.rungs)
    arms = "\n".join(
        f"  {a.name}{' (baseline)' if a.is_baseline else ''}: lr " + ", ".join(f"{lr:g}" for lr in a.learning_rates)
        for a in plan.arms
    )
    return f"{len(plan.arms)} arms\n{arms}\nrungs\n{rungs}\n{plan.forecast}"

"""What a user asks of a comparison, in words or objects, read and refused here when it makes no sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from steepest import metrics as metric_catalogue
from steepest.core.declare import Metric
from steepest.core.errors import MetricError, NotComparable, UsageError
from steepest.core.item import Item
from steepest.data import Data, load
from steepest.explain.candidates import auto_losses
from steepest.metrics.foreign import as_metric
from steepest.models import factory_of
from steepest.models.facts import Facts

from .arms import ArmChoice, arms_of
from .choice import split_list
from .own_things import OwnThing
from .plan import Budget, parse_budget, parse_seeds
from .suits import FITTING
from .task import DEFAULT_METRIC, Task

LOSS_WORDS = ("loss", "val_loss", "validation_loss", "train_loss", "training_loss")
ENGINES = ("auto", "probe", "stacked", "vmap", "loop")


@dataclass(frozen=True)
class Request:
    """What was asked, checked as far as it can be without training. text: the same in words, to tell one study from another.

    metric decides; beside: what else was asked for, which is reported and decides nothing.
    """

    data: Data
    build: Any
    arms: list[ArmChoice]
    metric: Metric
    budget: Budget
    n_seeds: int
    asked: dict[str, Any]
    text: dict[str, Any] = field(default_factory=dict)
    beside: tuple[Metric, ...] = ()


def ask(**asked: Any) -> Request:
    """Read and check the user's words and objects."""
    if asked["engine"] not in ENGINES:
        raise UsageError(
            where="engine",
            seen=repr(asked["engine"]),
            needed=f"one of {', '.join(ENGINES)} was needed",
            repair='engine="auto" decides by itself.',
        )
    if asked["batch_size"] < 1:
        raise UsageError(
            where="batch_size",
            seen=repr(asked["batch_size"]),
            needed="a number >= 1 was needed",
            repair="64 is a common choice.",
        )
    if asked["rope"] is not None and not 0 <= asked["rope"] < float("inf"):
        raise UsageError(
            where="rope",
            seen=repr(asked["rope"]),
            needed="a difference of 0 or more was needed",
            repair="Give the largest difference that does not matter to you; None: a quarter of the seeds' spread.",
        )
    budget, n_seeds = parse_budget(asked["budget"]), parse_seeds(asked["seeds"])
    data = load(asked["data"], task=asked["task"])
    build = factory_of(asked["model"])
    asked["losses"] = _with_auto(asked["losses"], data, build, asked["seed"])
    losses = asked["losses"] if asked["losses"] is not None else FITTING[_kind(build, data, asked["seed"])]
    rules, schedules, weightings = (asked[name] for name in ("optimizers", "schedules", "weightings"))
    arms = arms_of(losses, rules, schedules, asked["baseline"], asked_weightings=weightings)
    metric, *beside = metrics_of(asked["metric"], data, arms)
    request = Request(data, build, arms, metric, budget, n_seeds, asked, beside=tuple(beside))
    return replace(request, text=_in_words(request))


def _kind(build: Any, data: Data, seed: int) -> str:
    """What the model gives for the target: which losses are there to begin with."""
    facts, metric = Facts.of(data), metric_catalogue[DEFAULT_METRIC[data.task]]
    return Task(lambda: build(facts), data, metric, seed=seed).kind


def _with_auto(asked: Any, data: Data, build: Any, seed: int) -> Any:
    """The losses with those that suit the data in the place of "auto", which may stand among others; none twice."""
    words = split_list(asked) if isinstance(asked, str) else asked
    if not isinstance(words, (list, tuple)) or "auto" not in words:
        return asked
    others = [word for word in words if word != "auto"]
    usual = data.task != "multilabel" and not data.has_places
    suiting = auto_losses(data.task, class_counts(data)) if usual else split_list(FITTING[_kind(build, data, seed)])
    found = [name for name in suiting if name not in others]
    at = list(words).index("auto")
    chosen = [*others[:at], *found, *others[at:]]
    return ", ".join(chosen) if isinstance(asked, str) else chosen


def class_counts(data: Data) -> list[int] | None:
    """Samples (or places) of each class; None for targets that are no classes."""
    return None if data.n_classes is None else data.y[data.y >= 0].bincount(minlength=data.n_classes).tolist()


def metrics_of(asked: Any, data: Data, arms: Sequence[ArmChoice]) -> list[Metric]:
    """The metric that decides, and those named behind it."""
    listed = (
        split_list(asked) if isinstance(asked, str) else list(asked) if isinstance(asked, (list, tuple)) else [asked]
    )
    found = [criterion(one, data, arms) for one in listed]
    return list({metric.name: metric for metric in found}.values())


def criterion(asked: Any, data: Data, arms: Sequence[ArmChoice]) -> Metric:
    """The metric that decides: one for all arms, of the data's task, and not a loss; a name, an item or torchmetrics' own."""
    fitting = [m.name for m in metric_catalogue if m.task == data.task]
    if asked is not None and not isinstance(asked, str):
        metric = as_metric(asked, task=data.task)
    elif asked in LOSS_WORDS:
        names = sorted({a.loss for a in arms})
        raise NotComparable(
            where="metric",
            seen=f"{asked!r} as criterion for {len(names)} different losses ({', '.join(names)})"
            if len(names) > 1
            else f"{asked!r} as criterion",
            needed="a metric that means the same for every arm was needed",
            consequence="Each loss has its own unit, so the smallest number would win, not the best model."
            if len(names) > 1
            else "",
            repair=f"For {data.task}: {', '.join(fitting)}.",
        )
    else:
        metric = metric_catalogue[asked or DEFAULT_METRIC[data.task]]
    if metric.task != data.task:
        raise MetricError(
            where="metric",
            seen=f"{metric.name} is a metric of {metric.task} and the data are {data.task}",
            needed=f"a metric of {data.task} was needed",
            repair=f"One of {', '.join(fitting)}"
            + (f'; or task="{metric.task}" if the target is meant so.' if metric.task in DEFAULT_METRIC else "."),
        )
    return metric


def _in_words(request: Request) -> dict[str, Any]:
    asked = request.asked
    return {
        "model": text_of(asked["model"]),
        "data": request.data.fingerprint,
        "arms": [_arm_text(a) for a in request.arms],
        "metric": ", ".join(m.name for m in (request.metric, *request.beside)),
        "budget": request.budget.text,
        "seeds": request.n_seeds,
        "seed": asked["seed"],
        "rope": asked["rope"],
        "batch_size": asked["batch_size"],
        "epochs": asked["epochs"],
        "engine": asked["engine"],
        "data_source": asked["data"] if isinstance(asked["data"], str) else "",
        "task": request.data.task,
        "losses": spec_of(asked["losses"]),
        "weightings": spec_of(asked["weightings"]),
        "optimizers": spec_of(asked["optimizers"]),
        "schedules": spec_of(asked["schedules"]),
        "baseline": asked["baseline"],
        **_own_things(request.arms),
    }


def _own_things(arms: Sequence[ArmChoice]) -> dict[str, dict[str, str]]:
    """Of each loss and optimizer of the user's own a fingerprint; nothing where there is none."""
    things = [thing for a in arms for thing in (a.arm.loss, a.arm.rule)]
    found = {thing.name: thing.fingerprint for thing in things if isinstance(thing, OwnThing)}
    return {"own": found} if found else {}


def spec_of(asked: Any) -> str | None:
    """The words that would ask for the same again, or None where objects were given."""
    if asked is None or isinstance(asked, str):
        return asked
    listed = asked if isinstance(asked, (list, tuple)) else [*asked.values()] if isinstance(asked, Mapping) else [asked]
    words = [one if isinstance(one, str) else one.name if isinstance(one, Item) else None for one in listed]
    return ", ".join(words) if all(words) else None  # type: ignore[arg-type]


def _arm_text(arm: ArmChoice) -> str:
    fixed = f" at {arm.learning_rates[0]:g}" if arm.is_fixed else ""
    return f"{arm.objective} + {arm.optimizer} + {arm.schedule}{fixed}{' (baseline)' if arm.is_baseline else ''}"


def text_of(model: Any) -> str:
    """A model or data source in words."""
    return model if isinstance(model, str) else getattr(model, "__qualname__", None) or type(model).__qualname__

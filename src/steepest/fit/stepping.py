"""The optimizer and the schedule of a run, from words or objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from steepest import optim as rules
from steepest.core.calls import parse_call, split_sum
from steepest.core.declare import Rule, Schedule
from steepest.core.errors import UsageError
from steepest.core.reduction import Reduction
from steepest.optim import schedules
from steepest.optim.optimizer import class_of

from .batches import Given, Rows


def optimizer_of(asked: Any, model: nn.Module, learning_rate: float | None) -> tuple[torch.optim.Optimizer, str]:
    """(the optimizer, what it is in words)."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if isinstance(asked, torch.optim.Optimizer):
        if learning_rate is not None:
            raise UsageError(
                where="fit",
                seen="learning_rate beside an optimizer that is made",
                needed="one place for the learning rate was needed",
                repair="Give it to the optimizer: lr=...",
            )
        held = {id(p) for group in asked.param_groups for p in group["params"]}
        if not any(id(p) in held for p in parameters):
            raise UsageError(
                where="fit",
                seen="the optimizer holds no parameter of the model",
                needed="an optimizer of this model was needed",
                consequence="The model would stay as it is.",
                repair=f"{type(asked).__name__}(model.parameters(), ...) after the model is made and moved.",
            )
        return asked, f"{type(asked).__name__}({_settings(asked)})"
    if isinstance(asked, type) and issubclass(asked, torch.optim.Optimizer):
        made = asked(parameters) if learning_rate is None else asked(parameters, lr=learning_rate)
        return made, f"{asked.__name__}({_settings(made)})"
    first, *transforms = split_sum(asked) or [asked] if isinstance(asked, str) else [asked]
    item, options = _named(first, "optimizer", rules)
    if transforms:  # "adamw + clip_norm(1.0)"
        options["transforms"] = " + ".join(transforms)
    if not isinstance(item, Rule):
        raise UsageError(
            where="optimizer",
            seen=f"a {type(asked).__name__}",
            needed="a name, a rule of steepest.optim, or an optimizer was needed",
            repair='optimizer="adamw(lr=1e-3)", or optim.AdamW(model.parameters()).',
        )
    if learning_rate is not None and "lr" in options:
        raise UsageError(
            where="fit", seen="two learning rates", needed="one was needed", repair="Leave learning_rate out."
        )
    if learning_rate is not None:
        options["lr"] = learning_rate
    made = class_of(item)(parameters, **options)
    return made, " + ".join([f"{item.name}({_settings(made)})", *transforms])


def _named(asked: Any, kind: str, catalogue: Any) -> tuple[Any, dict[str, Any]]:
    """(the item, its options) of "adamw(lr=1e-3)"; anything else as it is."""
    if not isinstance(asked, str):
        return asked, {}
    name, options = parse_call(asked, kind)
    return catalogue[name], options


def _settings(optimizer: torch.optim.Optimizer) -> str:
    plain = {
        k: v for k, v in optimizer.defaults.items() if isinstance(v, (bool, int, float, str, tuple)) and v is not False
    }
    return ", ".join(f"{name}={value}" for name, value in sorted(plain.items()))


def multipliers_of(asked: Any, optimizer: Any, train: Rows | Given, epochs: int) -> tuple[list[float], str]:
    """(one factor of the learning rate per step, what the schedule is in words)."""
    if asked is None or asked == "auto" and isinstance(optimizer, torch.optim.Optimizer):
        return [], "none"
    (item, options), reduction = _schedule_and_reduction("warmup_cosine" if asked == "auto" else asked)
    if not isinstance(item, Schedule):
        raise UsageError(
            where="schedule",
            seen=f"a {type(asked).__name__}",
            needed="a name, or a schedule of steepest.optim.schedules, was needed",
            repair='schedule="warmup_cosine(warmup=0.1)"; step a scheduler of torch in a callback.',
        )
    if train.n_batches is None:
        if asked == "auto":
            return [], "none"
        if item is schedules.constant:
            return [1.0], _words(item, options, reduction)
        raise UsageError(
            where="fit",
            seen=f"{item.name} over a loader without a length",
            needed="the number of steps was needed",
            repair="schedule=None, or give the loader a __len__.",
        )
    n_steps = epochs * train.n_batches
    factors = item(torch.arange(n_steps, dtype=torch.float64), float(n_steps), **options)
    return factors.tolist(), _words(item, options, reduction)


def reduction_of(asked: Any, best: str, validation: Rows | Given | None) -> Callable[[Sequence[float]], float] | None:
    """What the scores of the epochs so far multiply the learning rate by; None where no plateau is asked for."""
    item, options = (None, {}) if asked is None or asked == "auto" else _schedule_and_reduction(asked)[1]
    if item is None:
        return None
    if "best" in options:
        raise UsageError(
            where=item.name,
            seen=f"best={options['best']!r}",
            needed="nothing was needed: the monitored score says itself which values are better",
            repair="Leave best out; monitor= names the score.",
        )
    if validation is None:
        raise UsageError(
            where=item.name,
            seen="no validation",
            needed="rows that are not trained on were needed, to see when it gets no better",
            repair="validation=0.2 sets a fifth of the rows aside.",
        )
    item.check_hyper(options)
    return lambda scores: float(item(scores, best=best, **options))


def _schedule_and_reduction(asked: Any) -> tuple[tuple[Any, dict[str, Any]], tuple[Any, dict[str, Any]]]:
    """Both with their options: "cosine + plateau(patience=3)"; "plateau" alone stands on a constant rate."""
    *words, last = (split_sum(asked) or [asked]) if isinstance(asked, str) else [asked]
    item, options = _named(last, "schedule", schedules)
    if not isinstance(item, Reduction):
        if words:
            raise UsageError(
                where="schedule",
                seen=f"{item.name} behind another schedule",
                needed="one schedule was needed, and at most a plateau behind it",
                repair='For example schedule="cosine + plateau(patience=3)".',
            )
        return (item, options), (None, {})
    return _named(" + ".join(words) or "constant", "schedule", schedules), (item, options)


def _words(item: Schedule, options: dict[str, Any], reduction: tuple[Any, dict[str, Any]]) -> str:
    calls = [(item, options), *([reduction] if reduction[0] is not None else [])]
    return " + ".join(f"{one.name}({', '.join(f'{k}={v}' for k, v in sorted(of.items()))})" for one, of in calls)


def rate_of(group: dict[str, Any]) -> float:
    """The learning rate of a group of parameters, which may be held as a tensor."""
    rate = group["lr"]
    return rate.item() if isinstance(rate, Tensor) else float(rate)


def set_rates(optimizer: torch.optim.Optimizer, rates: Sequence[float], factor: float) -> None:
    """Each group's own learning rate, times a factor."""
    for group, rate in zip(optimizer.param_groups, rates):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate * factor)
        else:
            group["lr"] = rate * factor

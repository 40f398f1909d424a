"""The arms of a comparison: every combination of what was chosen, the baseline among them, with their learning rates."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from steepest import optim as rule_catalogue
from steepest.core.calls import split_sum
from steepest.core.declare import Rule, Schedule, Weighting
from steepest.core.errors import UsageError
from steepest.core.loss import Loss
from steepest.core.reduction import Reduction
from steepest.losses import weightings as weighting_catalogue
from steepest.optim import schedules as schedule_catalogue
from steepest.optim import transforms as transform_catalogue

from .choice import Choice
from .space import loss_choices, rule_choices, schedule_choices, weighting_choices
from .trial import Arm, Term


@dataclass(frozen=True)
class ArmChoice:
    """An arm with the learning rates that will be tried; fixed when the user named one, and untuned says it without."""

    arm: Arm
    loss: str
    optimizer: str
    schedule: str
    learning_rates: tuple[float, ...]
    is_fixed: bool
    is_baseline: bool = False
    weighting: str = "none"
    untuned: str = ""

    @property
    def objective(self) -> str:
        """The loss and how its classes are weighed."""
        return objective_text(self.loss, self.weighting)


def objective_text(loss: str, weighting: str) -> str:
    """ "focal x square_root", or the loss alone where nothing is weighed."""
    return loss if weighting == UNWEIGHTED.text else f"{loss} x {weighting}"


UNWEIGHTED = Choice(weighting_catalogue.none)
N_LEARNING_RATES = 7


def arms_of(
    asked_losses: Any,
    asked_optimizers: Any,
    asked_schedules: Any = "constant",
    baseline: str | None = None,
    n_learning_rates: int = N_LEARNING_RATES,
    asked_weightings: Any = "none",
) -> list[ArmChoice]:
    """Every combination, the baseline's among them: given by the user, else the first loss with nadamw, else the first arm;
    unweighted, where it is.

    A user's baseline that names its learning rate competes twice: as it is, and tuned.
    """
    schedules = schedule_choices(asked_schedules)
    objectives = itertools.product(loss_choices(asked_losses), weighting_choices(asked_weightings))
    product = itertools.product(objectives, rule_choices(asked_optimizers), schedules)
    arms = [_arm(*o, rule, schedule, len(schedules) > 1, n_learning_rates) for o, rule, schedule in product]
    if baseline is not None:
        wanted = _baseline_arms(baseline, schedules[0], len(schedules) > 1, n_learning_rates)
        arms += [a for a in wanted if a.arm.name not in {b.arm.name for b in arms}]
        base = wanted[0].arm.name
    else:
        first_loss = arms[0].loss
        nadamw = [a for a in arms if a.loss == first_loss and a.arm.rule.name == "nadamw"]
        base = min(nadamw or arms[:1], key=lambda a: a.arm.weighting is not None).arm.name
    if len(arms) < 2:
        raise UsageError(
            where="compare",
            seen=f"one arm: {arms[0].arm.name}",
            needed="at least two arms were needed: there is nothing to compare",
            repair='Name several losses or optimizers, such as losses="cross_entropy,focal", or a baseline.',
        )
    return [replace(a, is_baseline=a.arm.name == base) for a in arms]


def _baseline_arms(text: str, schedule: Choice, names_schedule: bool, n: int) -> list[ArmChoice]:
    """ "mse + sgd(lr=0.01)" -> the arm as it is, and the same arm tuned."""
    words = split_sum(text)
    names = [word.partition("(")[0].strip() for word in words]
    n_last = _n_of_schedule(names)
    named, words = " + ".join(words[len(words) - n_last :]), words[: len(words) - n_last]
    at = next((i for i, name in enumerate(names) if i > 0 and name in rule_catalogue), 0)
    if at == 0 or not all(name in transform_catalogue for name in names[at + 1 : len(words)]):
        raise UsageError(
            where="baseline",
            seen=f"{text!r}",
            needed='"loss + optimizer" or "loss + optimizer + schedule" was needed, transforms behind the optimizer',
            repair='For example "cross_entropy + sgd(lr=0.01, momentum=0.9)".',
        )
    name, _, weighting = " + ".join(words[:at]).partition(" x ")
    loss, rule = loss_choices(name), rule_choices(" + ".join(words[at:]))
    weighed = weighting_choices(weighting)[0] if weighting else UNWEIGHTED
    if named:
        schedule = schedule_choices(named)[0]
    as_it_is = _arm(loss[0], weighed, rule[0], schedule, names_schedule, n)
    tuned = _untuned(rule[0])
    return [as_it_is, _arm(loss[0], weighed, tuned, schedule, names_schedule, n)] if as_it_is.is_fixed else [as_it_is]


def _n_of_schedule(names: Sequence[str]) -> int:
    """How many of the last words say the schedule: none, "cosine", "plateau", or "cosine" and "plateau"."""
    if len(names) < 3 or names[-1] not in schedule_catalogue:
        return 0
    is_behind = isinstance(schedule_catalogue[names[-1]], Reduction) and names[-2] in schedule_catalogue  # type: ignore[operator, index]
    return 2 if is_behind and len(names) > 3 else 1


def _untuned(rule: Choice) -> Choice:
    """The optimizer without the learning rate that was named."""
    return replace(rule, options={k: v for k, v in rule.options.items() if k != "lr"})


def _arm(
    loss: Choice, weighting: Choice, rule: Choice, schedule: Choice, names_schedule: bool, n_learning_rates: int
) -> ArmChoice:
    assert isinstance(loss.item, Loss) and isinstance(rule.item, Rule) and isinstance(schedule.item, Schedule)
    assert isinstance(weighting.item, Weighting)
    options, reduction = dict(rule.options), next(iter(schedule.beside), None)
    fixed = options.pop("lr", None)
    decay = options.pop("weight_decay", None)
    words = [objective_text(loss.text, weighting.text), rule.text, *([schedule.text] if names_schedule else [])]
    arm = Arm(
        loss=loss.item,
        loss_options=loss.options,
        factor=loss.factor,
        beside=tuple(Term(term.factor, term.item, term.options) for term in loss.beside),  # type: ignore[arg-type]
        learns_factors=loss.is_learned,
        weighting=None if weighting == UNWEIGHTED else weighting.item,
        weighting_hyper={n: v for n, v in weighting.options.items() if n != "after"},
        weighting_after=float(weighting.options.get("after", 0.0)),
        rule=rule.item,
        rule_hyper=options,
        schedule=schedule.item,
        schedule_hyper=schedule.options,
        reduction=reduction.item if reduction else None,  # type: ignore[arg-type]
        reduction_hyper=reduction.options if reduction else {},
        weight_decay=decay,
        transforms=rule.transforms,
        name=" + ".join(words),
    )
    rates = (float(fixed),) if fixed is not None else learning_rates(rule.item, n_learning_rates)
    untuned = _untuned(rule).text if fixed is not None else ""
    return ArmChoice(
        arm, loss.text, rule.text, schedule.text, rates, fixed is not None, weighting=weighting.text, untuned=untuned
    )


def learning_rates(rule: Rule, n: int) -> tuple[float, ...]:
    """n learning rates over the rule's declared range, rounded to three digits."""
    search = rule.hyper["lr"].search
    if search is None:
        raise UsageError(
            where=rule.name,
            seen="no search range for lr is declared",
            needed="a range was needed to tune the learning rate",
            repair='Declare search={"lr": Log(low, high)}, or fix it: ' + f'"{rule.name}(lr=...)".',
        )
    return tuple(float(f"{lr:.3g}") for lr in search.grid(n))


def beyond(rates: Sequence[float], upwards: bool, n: int) -> list[float]:
    """n more learning rates past one edge of a grid, in the grid's own ratio."""
    ordered = sorted(rates)
    ratio = ordered[1] / ordered[0] if len(ordered) > 1 else 3.0
    edge = ordered[-1] if upwards else ordered[0]
    return [float(f"{edge * ratio ** ((i + 1) * (1 if upwards else -1)):.3g}") for i in range(n)]

"""Losses, rules, schedules and weightings as a user writes them: "focal(gamma=1|2|5)", "sgd(momentum=0.9)", items, modules."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from steepest import losses as loss_catalogue
from steepest import optim as rule_catalogue
from steepest.core.calls import split_sum
from steepest.core.errors import UsageError
from steepest.core.item import Item
from steepest.core.reduction import Reduction
from steepest.losses import weightings as weighting_catalogue
from steepest.optim import schedules as schedule_catalogue

from . import own_losses, own_rules
from .choice import Choice, checked, each, read_axes, split_list
from .own_things import refuse_another
from .space_losses import losses_of
from .space_rules import rules_of

WEIGHTING_OPTIONS = ("after",)
"""The share of the steps after which the class weights begin to count."""
Reader = Callable[[Any], Iterator[Choice]]
"""The choices that one word or object means; none where it means nothing."""


def loss_choices(asked: Any) -> list[Choice]:
    found = _choices(_named(asked, own_losses.own_loss), loss_catalogue, losses_of, f"{own_losses.NEEDED}, ")
    for choice in (term for one in found for term in (one, *one.beside)):
        choice.item.check_complete({"class_counts": "those of each seed's training part", **choice.options})
    return found


def rule_choices(asked: Any) -> list[Choice]:
    return _choices(_named(asked, own_rules.own_rule), rule_catalogue, rules_of, f"{own_rules.NEEDED}, ")


def weighting_choices(asked: Any) -> list[Choice]:
    found = _choices(asked, weighting_catalogue, _weightings_of)
    for choice in found:
        after = choice.options.get("after", 0.0)
        if isinstance(after, bool) or not isinstance(after, (int, float)) or not 0 <= after < 1:
            raise UsageError(
                where=choice.item.name,
                seen=f"after={after!r}",
                needed="a share of the steps, from 0 up to 1, was needed",
                repair="after=0.8: the class weights count in the last fifth of the training.",
            )
    return found


def schedule_choices(asked: Any) -> list[Choice]:
    return _choices(asked, schedule_catalogue, _schedules_of)


def _named(asked: Any, own: Callable[[Any, str], Item]) -> Any:
    """A dictionary holds names of the user's for what is his own; what is in the catalogue keeps its name."""
    if not isinstance(asked, Mapping):
        return asked
    return [one if isinstance(one, (str, Item)) else own(one, str(name)) for name, one in asked.items()]


def _choices(asked: Any, catalogue: Any, read: Reader, own: str = "") -> list[Choice]:
    """All choices that a user's words mean, without repetitions. own: what else than a name or item would do."""
    found: dict[str, Choice] = {}
    for one in _listed(asked):
        meant = [one] if isinstance(one, Choice) else list(read(one))
        if not meant:
            raise UsageError(
                where="compare",
                seen=f"{one!r} was given as {_word(catalogue)}",
                needed=f"{own}a name or an item of steepest's {_word(catalogue)} catalogue was needed",
                repair=f"Names: {', '.join(catalogue.names())}.",
            )
        for choice in meant:
            refuse_another(found.setdefault(choice.text, choice).item, choice.item)
    if not found:
        raise UsageError(
            where="compare",
            seen=f"no {_word(catalogue)} was named",
            needed="at least one was needed",
            repair=f"Known: {', '.join(catalogue.names())}.",
        )
    return list(found.values())


def _listed(asked: Any) -> list[Any]:
    if isinstance(asked, str):
        return split_list(asked)
    return list(asked) if isinstance(asked, Iterable) and not isinstance(asked, Item) else [asked]


def _word(catalogue: Any) -> str:
    return str(catalogue._kind).replace("rule", "optimizer")


def _weightings_of(one: Any) -> Iterator[Choice]:
    if isinstance(one, str):
        if len(split_sum(one)) > 1:
            raise UsageError(
                where="compare",
                seen=f"{one!r} as weighting",
                needed="one name was needed: only an optimizer is followed by transforms",
                repair="Separate several by commas.",
            )
        name, axes = read_axes(one)
        yield from (checked(weighting_catalogue[name], options, WEIGHTING_OPTIONS) for options in each(axes))  # type: ignore[index]
    elif isinstance(one, Item) and one.kind == weighting_catalogue._kind:  # type: ignore[attr-defined]
        yield Choice(one)


def _schedules_of(one: Any) -> Iterator[Choice]:
    if isinstance(one, str):
        yield from _scheduled(one)
    elif isinstance(one, Reduction):
        yield Choice(schedule_catalogue.constant, beside=(Choice(one),))
    elif isinstance(one, Item) and one.kind == schedule_catalogue._kind:  # type: ignore[attr-defined]
        yield Choice(one)


def _scheduled(text: str) -> Iterator[Choice]:
    """ "cosine + plateau(patience=2|4)" -> two choices; "plateau" alone stands on a constant rate."""
    *words, last = split_sum(text) or [text]
    name, axes = read_axes(last)
    item = schedule_catalogue[name]
    if len(words) > isinstance(item, Reduction):
        raise UsageError(
            where="compare",
            seen=f"{text!r} as schedule",
            needed="one schedule was needed, and at most a plateau behind it",
            repair="Separate several by commas.",
        )
    if isinstance(item, Reduction) and "best" in axes:
        raise UsageError(
            where=name,
            seen=f"best={axes['best'][0]!r}",
            needed="nothing was needed: the metric says itself which scores are better",
            repair="Leave best out.",
        )
    own = [checked(item, options, ()) for options in each(axes)]
    if not isinstance(item, Reduction):
        yield from own
        return
    for schedule, reduction in itertools.product(_scheduled(words[0] if words else "constant"), own):
        if schedule.beside:
            raise UsageError(
                where="compare", seen=f"{text!r}", needed="one plateau was needed", repair="Leave one out."
            )
        yield replace(schedule, beside=(reduction,))

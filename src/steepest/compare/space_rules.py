"""The optimizers of a comparison as a user writes them: words with transforms behind them, items, and optimizers of his own."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from steepest import optim as rule_catalogue
from steepest.core.calls import split_sum
from steepest.core.declare import Rule
from steepest.core.errors import UsageError
from steepest.core.item import Item
from steepest.core.transform import Transform, Use, read_call, uses_of
from steepest.optim import transforms as transform_catalogue
from steepest.optim.chain import Chain

from .choice import Choice, alternatives, checked, each, read_axes
from .own_rules import NEEDED, OwnRule, own_rule
from .own_things import words_of_own

OPTIONS = ("lr", "weight_decay")


def rules_of(one: Any) -> Iterator[Choice]:
    """The choices that one word or object means; several where options are axes."""
    if isinstance(one, str):
        yield from _in_words(one)
    elif isinstance(one, OwnRule):
        yield _tried(one, {})
    elif isinstance(one, Rule):
        yield Choice(one)
    elif not isinstance(one, Item) and (callable(one) or isinstance(one, torch.optim.Optimizer)):
        yield _tried(own_rule(one, taken=rule_catalogue.names()), {})  # type: ignore[attr-defined]


def _in_words(text: str) -> Iterator[Choice]:
    own = words_of_own(text, NEEDED, "only steps of the catalogue's rules can be transformed")
    if own is not None:
        rule = own_rule(own.thing, own.address)
        yield from (_tried(rule, options) for options in each(own.axes))
        return
    first, *others = split_sum(text) or [text]
    name, axes = read_axes(first)
    item = rule_catalogue[name]  # type: ignore[index]
    uses = list(itertools.product(*(list(_transforms_of(other)) for other in others)))
    for options, chain in itertools.product(list(each(axes)), uses):
        yield _with_transforms(checked(item, options, OPTIONS), chain)


def _tried(own: OwnRule, options: dict[str, Any]) -> Choice:
    own.try_out(options)
    return Choice(own, options)


def _transforms_of(text: str) -> Iterator[Use]:
    """ "clip_norm(0.5|1)" -> two transforms; numbers without a name are those of its hyperparameters, in their order."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        read_call(text)  # says what cannot be read
        raise
    call = tree if isinstance(tree, ast.Call) else None
    item: Transform = transform_catalogue[ast.unparse(call.func if call else tree)]
    given = [] if call is None else call.args
    axes = dict(zip(item.hyper, (list(alternatives(arg)) for arg in given)))
    if len(given) > len(item.hyper):
        item(*given)  # says how many there are
    axes.update({str(k.arg): list(alternatives(k.value)) for k in (call.keywords if call else ())})
    for options in each(axes):
        yield item(**options)


def _with_transforms(choice: Choice, uses: tuple[Use, ...]) -> Choice:
    """The optimizer with its transforms, each once, and one weight decay."""
    decay = choice.options.get("weight_decay", 0)
    decaying = [use.transform.name for use in uses if use.transform.decays]
    if decay and decaying:
        raise UsageError(
            where=choice.item.name,
            seen=f"weight_decay={decay:g} beside {decaying[0]}",
            needed="one of the two was needed",
            consequence="The weights would decay twice.",
            repair="Leave weight_decay out.",
        )
    Chain.of(uses_of(uses, transform_catalogue))
    return replace(choice, transforms=uses)

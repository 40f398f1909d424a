"""The losses of a comparison as a user writes them: words, sums, items and modules of ours, functions and modules of his own."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from steepest import losses as loss_catalogue
from steepest import optim as rule_catalogue
from steepest.core.calls import split_sum
from steepest.core.compose import LossSum
from steepest.core.errors import UsageError
from steepest.core.item import Item
from steepest.core.loss import Loss, LossModule
from steepest.optim import transforms as transform_catalogue

from .choice import LEARNED, Choice, alternatives, checked, each, read_axes
from .own_losses import NEEDED, OwnLoss, own_loss
from .own_things import words_of_own

OPTIONS = ("label_smoothing", "normalize")
"""Options of the contract that make sense for a whole study; weights and masks belong to the data."""
NO_ARMS = {
    "Heads": (
        "it has a loss for each of several outputs, and arms are judged by one",
        'For example "cross_entropy + 0.5*dice"; steepest.fit trains with any loss.',
    ),
    "UncertaintyWeighting": (
        "its factors belong to one model, and every trial learns its own",
        'Say losses="learned*cross_entropy + learned*dice": the same factors, learned in each trial.',
    ),
    "Deferred": (
        "its class weights wait for calls that nobody makes here, and every seed has its own class counts",
        'Say weightings="effective_number(after=0.8)": they begin to count after four fifths of the steps.',
    ),
}


def losses_of(one: Any) -> Iterator[Choice]:
    """The choices that one word or object means; several where options are axes."""
    if isinstance(one, str):
        yield from _in_words(one)
    elif isinstance(one, LossSum):
        yield _summed([_of_term(term) for term in one.terms])
    elif isinstance(one, LossModule):
        yield checked(one.loss, dict(one.options), OPTIONS)
    elif isinstance(one, type) and issubclass(one, LossModule):
        yield Choice(one.loss)
    elif isinstance(one, Loss):
        yield Choice(one)
    elif type(one).__name__ in NO_ARMS:
        why, repair = NO_ARMS[type(one).__name__]
        raise UsageError(
            where="compare",
            seen=f"{type(one).__name__} was given as loss: {why}",
            needed="a loss, a sum of losses, or words for what the trials shall learn, was needed",
            repair=repair,
        )
    elif callable(one) and not isinstance(one, Item):
        yield Choice(own_loss(one, taken=loss_catalogue.names()))  # type: ignore[attr-defined]


def _in_words(text: str) -> Iterator[Choice]:
    own = words_of_own(text, NEEDED, "a sum takes losses of the catalogue only")
    if own is None:
        yield from map(_summed, itertools.product(*(list(_summands(part)) for part in split_sum(text) or [text])))
        return
    loss: OwnLoss = own_loss(own.thing, own.address)
    loss.check_options(own.axes)
    for options in each(own.axes):
        yield Choice(loss, options)


def _summands(text: str) -> Iterator[Choice]:
    """ "0.5*dice(smooth=1|2)" -> two choices with a factor; "(0.1|1)*dice" too."""
    factors: list[Any] = [1.0]
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
            number, call = (
                (tree.left, tree.right) if isinstance(tree.right, (ast.Call, ast.Name)) else (tree.right, tree.left)
            )
            factors, text = list(alternatives(number)), ast.unparse(call)
    except (SyntaxError, ValueError):
        pass  # read_axes says what cannot be read
    name, axes = read_axes(text)
    if name not in loss_catalogue and (name in transform_catalogue or name in rule_catalogue):
        raise UsageError(
            where="compare",
            seen=f"{name!r} as a summand of a loss",
            needed="a loss was needed: only an optimizer is followed by transforms",
            repair="Separate several losses by commas; optimizers are named apart.",
        )
    for factor, options in itertools.product(factors, list(each(axes))):
        chosen = checked(loss_catalogue[name], options, OPTIONS)
        is_learned = factor == LEARNED
        yield replace(chosen, factor=1.0 if is_learned else _checked_factor(factor, name), is_learned=is_learned)


def _checked_factor(factor: Any, name: str) -> float:
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor < float("inf"):
        raise UsageError(
            where=name,
            seen=f"the factor {factor!r}",
            needed=f"a number above 0, or the word {LEARNED}, was needed",
            repair=f'For example "0.5*{name}".',
        )
    return float(factor)


def _summed(terms: Sequence[Choice]) -> Choice:
    if any(term.is_learned for term in terms) and (len(terms) < 2 or not all(term.is_learned for term in terms)):
        raise UsageError(
            where="compare",
            seen=f"{' + '.join(term.text for term in terms)!r}",
            needed="a sum of at least two losses that learns all of its factors or none was needed",
            consequence="One learned factor among fixed ones would only undo the learning rate.",
            repair=f'For example "{LEARNED}*cross_entropy + {LEARNED}*mse".',
        )
    return replace(terms[0], beside=tuple(terms[1:]))


def _of_term(term: Any) -> Choice:
    """A summand of a sum of modules; its factor must be a number."""
    if not isinstance(term.loss, LossModule) or term.tensor is not None or term.ramp is not None:
        raise UsageError(
            where="compare",
            seen="a sum of losses with a factor that is learned or changes with the step",
            needed="fixed factors were needed",
            repair='For example losses="cross_entropy + 0.5*dice"; steepest.fit trains with any loss.',
        )
    chosen = checked(term.loss.loss, dict(term.loss.options), OPTIONS)
    return replace(chosen, factor=_checked_factor(term.number, chosen.item.name))

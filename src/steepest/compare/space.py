"""Losses, rules, schedules and weightings as a user writes them: "focal(gamma=1|2|5)", "sgd(momentum=0.9)", items, modules."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from steepest import losses as loss_catalogue
from steepest import optim as rule_catalogue
from steepest.core.calls import plain_value, split_sum
from steepest.core.compose import LossSum
from steepest.core.domains import check_value
from steepest.core.errors import UsageError, did_you_mean
from steepest.core.item import Item
from steepest.core.loss import OPTIONS, LossModule
from steepest.core.reduction import Reduction
from steepest.core.transform import Transform, Use, read_call, uses_of
from steepest.losses import weightings as weighting_catalogue
from steepest.optim import schedules as schedule_catalogue
from steepest.optim import transforms as transform_catalogue
from steepest.optim.chain import Chain

from .own_losses import OwnLoss, loss_at, own_loss
from .own_rules import NEEDED, OwnRule, own_rule, rule_at

LOSS_OPTIONS = ("label_smoothing", "normalize")
"""Options of the contract that make sense for a whole study; weights and masks belong to the data."""
RULE_OPTIONS = ("lr", "weight_decay")
WEIGHTING_OPTIONS = ("after",)
"""The share of the steps after which the class weights begin to count."""
LEARNED = "learned"
"""The factor of a summand that each trial learns."""


@dataclass(frozen=True)
class Choice:
    """One item with its options, and the text that chooses it again. factor, is_learned, beside: of a sum of losses."""

    item: Item
    options: dict[str, Any] = field(default_factory=dict)
    transforms: tuple[Use, ...] = ()
    factor: float = 1.0
    is_learned: bool = False
    beside: tuple[Choice, ...] = ()

    @property
    def text(self) -> str:
        own = call_text(self.item.name, self.options)
        own = f"{LEARNED}*{own}" if self.is_learned else own if self.factor == 1 else f"{self.factor:g}*{own}"
        return " + ".join([own, *(use.text for use in self.transforms), *(other.text for other in self.beside)])


def call_text(name: str, options: dict[str, Any]) -> str:
    return name + ("(" + ", ".join(f"{k}={_plain(v)}" for k, v in sorted(options.items())) + ")" if options else "")


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def split_list(text: str) -> list[str]:
    """Split at commas outside brackets: "focal(gamma=1, label_smoothing=0.1), mse" -> 2 parts."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [p for p in [*parts, text[start:].strip()] if p]


def choices(asked: Any, catalogue: Any, extra: Sequence[str] = ()) -> list[Choice]:
    """All choices that a user's words mean, without repetitions. extra: options beside the item's hyperparameters."""
    listed = (
        split_list(asked)
        if isinstance(asked, str)
        else list(asked)
        if isinstance(asked, Iterable) and not isinstance(asked, Item)
        else [asked]
    )
    found: dict[str, Choice] = {}
    for one in listed:
        for choice in _choices_of_one(one, catalogue, extra):
            _refuse_another(found.setdefault(choice.text, choice), choice)
    if not found:
        raise UsageError(
            where="compare",
            seen=f"no {_word(catalogue)} was named",
            needed="at least one was needed",
            repair=f"Known: {', '.join(catalogue.names())}.",
        )
    return list(found.values())


def _refuse_another(known: Choice, choice: Choice) -> None:
    """Two things of the user's own may bear one name."""
    if isinstance(choice.item, (OwnLoss, OwnRule)) and known.item.fingerprint != choice.item.fingerprint:  # type: ignore[attr-defined]
        where = "losses" if isinstance(choice.item, OwnLoss) else "optimizers"
        raise UsageError(
            where=where,
            seen=f"two different {where} called {choice.text!r}",
            needed="a name for each was needed",
            repair=f'Name them: {where}={{"plain": ..., "other": ...}}.',
        )


def _word(catalogue: Any) -> str:
    return str(catalogue._kind).replace("rule", "optimizer")


def _choices_of_one(one: Any, catalogue: Any, extra: Sequence[str]) -> Iterator[Choice]:
    if isinstance(one, str) and catalogue is loss_catalogue and (own := loss_at(one.partition("(")[0].strip())):
        yield from _own_choices(own, one.partition("(")[2])
    elif isinstance(one, str) and catalogue is loss_catalogue:
        yield from map(_summed, itertools.product(*(list(_summands(part)) for part in split_sum(one) or [one])))
    elif isinstance(one, str) and catalogue is schedule_catalogue:
        yield from _scheduled(one)
    elif (
        isinstance(one, str)
        and catalogue is rule_catalogue
        and (made := rule_at(one.partition("(")[0].partition(" +")[0].strip()))
    ):
        yield from _own_rules(made, one)
    elif isinstance(one, str):
        first, *others = split_sum(one) or [one]
        name, axes = _parse_call(first)
        item = catalogue[name]
        if others and catalogue is not rule_catalogue:
            raise UsageError(
                where="compare",
                seen=f"{one!r} as {_word(catalogue)}",
                needed="one name was needed: only an optimizer is followed by transforms",
                repair="Separate several by commas.",
            )
        uses = list(itertools.product(*(list(_transforms_of(other)) for other in others)))
        for values, chain in itertools.product(list(itertools.product(*axes.values())), uses):
            yield _with_transforms(_checked(item, dict(zip(axes, values)), extra), chain)
    elif isinstance(one, LossSum):
        yield _summed([_of_term(term, extra) for term in one.terms])
    elif isinstance(one, LossModule):
        yield _checked(one.loss, dict(one.options), extra)
    elif isinstance(one, type) and issubclass(one, LossModule):
        yield Choice(one.loss)
    elif isinstance(one, Reduction):
        yield Choice(schedule_catalogue.constant, beside=(Choice(one),))
    elif isinstance(one, OwnRule) and catalogue is rule_catalogue:
        yield _tried(one, {})
    elif isinstance(one, Item) and one.kind == catalogue._kind:  # an OwnLoss, too
        yield Choice(one)
    elif isinstance(one, Choice):
        yield one
    elif type(one).__name__ in NO_ARMS:
        why, repair = NO_ARMS[type(one).__name__]
        raise UsageError(
            where="compare",
            seen=f"{type(one).__name__} was given as {_word(catalogue)}: {why}",
            needed="a loss, a sum of losses, or words for what the trials shall learn, was needed",
            repair=repair,
        )
    elif catalogue is loss_catalogue and callable(one) and not isinstance(one, Item):
        yield Choice(own_loss(one, taken=loss_catalogue.names()))  # type: ignore[attr-defined]
    elif (
        catalogue is rule_catalogue
        and not isinstance(one, Item)
        and (callable(one) or isinstance(one, torch.optim.Optimizer))
    ):
        yield _tried(own_rule(one, taken=rule_catalogue.names()), {})  # type: ignore[attr-defined]
    else:
        own_words = {"loss": "a function or module of (output, target), ", "optimizer": f"{NEEDED}, "}.get(
            _word(catalogue), ""
        )
        raise UsageError(
            where="compare",
            seen=f"{one!r} was given as {_word(catalogue)}",
            needed=f"{own_words}a name or an item of steepest's {_word(catalogue)} catalogue was needed",
            repair=f"Names: {', '.join(catalogue.names())}.",
        )


def _own_rules(own: OwnRule, text: str) -> Iterator[Choice]:
    """ "file.py:MyOptimizer(beta=0.9|0.99)" -> two choices."""
    first, *others = split_sum(text)
    if others:
        raise UsageError(
            where=own.name,
            seen=f"{others[0]!r} behind an optimizer of your own",
            needed="a rule of the catalogue was needed: only their steps can be transformed",
            repair=f"Leave it out, or let {own.name} do it.",
        )
    _, axes = _parse_call("f" + first[len(own.name) :])
    for values in itertools.product(*axes.values()):
        yield _tried(own, dict(zip(axes, values)))


def _tried(own: OwnRule, options: dict[str, Any]) -> Choice:
    own.try_out(options)
    return Choice(own, options)


def _own_choices(own: OwnLoss, rest: str) -> Iterator[Choice]:
    """rest: what follows the bracket behind an address, "gamma=1|2)", or nothing."""
    _, axes = _parse_call(f"f({rest}" if rest else "f")
    own.check_options(axes)
    for values in itertools.product(*axes.values()):
        yield Choice(own, dict(zip(axes, values)))


def _scheduled(text: str) -> Iterator[Choice]:
    """ "cosine + plateau(patience=2|4)" -> two choices; "plateau" alone stands on a constant rate."""
    *words, last = split_sum(text) or [text]
    name, axes = _parse_call(last)
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
    own = [_checked(item, dict(zip(axes, values)), ()) for values in itertools.product(*axes.values())]
    if not isinstance(item, Reduction):
        yield from own
        return
    for schedule, reduction in itertools.product(_scheduled(words[0] if words else "constant"), own):
        if schedule.beside:
            raise UsageError(
                where="compare", seen=f"{text!r}", needed="one plateau was needed", repair="Leave one out."
            )
        yield replace(schedule, beside=(reduction,))


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


def _summands(text: str) -> Iterator[Choice]:
    """ "0.5*dice(smooth=1|2)" -> two choices with a factor; "(0.1|1)*dice" too."""
    factors: list[Any] = [1.0]
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
            number, call = (
                (tree.left, tree.right) if isinstance(tree.right, (ast.Call, ast.Name)) else (tree.right, tree.left)
            )
            factors, text = list(_alternatives(number)), ast.unparse(call)
    except (SyntaxError, ValueError):
        pass  # _parse_call says what cannot be read
    name, axes = _parse_call(text)
    if name not in loss_catalogue and (name in transform_catalogue or name in rule_catalogue):
        raise UsageError(
            where="compare",
            seen=f"{name!r} as a summand of a loss",
            needed="a loss was needed: only an optimizer is followed by transforms",
            repair="Separate several losses by commas; optimizers are named apart.",
        )
    for factor, values in itertools.product(factors, list(itertools.product(*axes.values()))):
        chosen = _checked(loss_catalogue[name], dict(zip(axes, values)), LOSS_OPTIONS)
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


def _of_term(term: Any, extra: Sequence[str]) -> Choice:
    """A summand of a sum of modules; its factor must be a number."""
    if not isinstance(term.loss, LossModule) or term.tensor is not None or term.ramp is not None:
        raise UsageError(
            where="compare",
            seen="a sum of losses with a factor that is learned or changes with the step",
            needed="fixed factors were needed",
            repair='For example losses="cross_entropy + 0.5*dice"; steepest.fit trains with any loss.',
        )
    chosen = _checked(term.loss.loss, dict(term.loss.options), extra)
    return replace(chosen, factor=_checked_factor(term.number, chosen.item.name))


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
    axes = dict(zip(item.hyper, (list(_alternatives(arg)) for arg in given)))
    if len(given) > len(item.hyper):
        item(*given)  # says how many there are
    axes.update({str(k.arg): list(_alternatives(k.value)) for k in (call.keywords if call else ())})
    for values in itertools.product(*axes.values()):
        yield item(**dict(zip(axes, values)))


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


def _parse_call(text: str) -> tuple[str, dict[str, list[Any]]]:
    """ "focal(gamma=1|2)" -> ("focal", {"gamma": [1, 2]})."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, {}
        if (
            isinstance(tree, ast.Call)
            and isinstance(tree.func, ast.Name)
            and not tree.args
            and all(k.arg for k in tree.keywords)
        ):
            return tree.func.id, {str(k.arg): list(_alternatives(k.value)) for k in tree.keywords}
    except (SyntaxError, ValueError):
        pass
    raise UsageError(
        where="compare",
        seen=f"{text!r} cannot be read",
        needed="name or name(option=value, option=value|value) was needed",
        repair='For example "focal(gamma=1|2|5)" or "sgd(momentum=0.9)".',
    )


def _alternatives(node: ast.expr) -> Iterator[Any]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    else:
        yield plain_value(node)


def _checked(item: Item, options: dict[str, Any], extra: Sequence[str]) -> Choice:
    for name, value in options.items():
        if name in item.hyper:
            check_value(item.name, name, value, item.hyper[name].domain)
        elif name not in extra:
            known = list(dict.fromkeys([*item.hyper, *extra]))
            meant = "Did you mean 'lr'?" if name == "learning_rate" and "lr" in known else did_you_mean(name, known)
            belongs = " It belongs to the call, not to an arm." if name in OPTIONS else ""
            raise UsageError(
                where=item.name,
                seen=f"option {name!r}",
                needed=f"one of {', '.join(known)} was needed",
                repair=meant + belongs,
            )
    return Choice(item, options)


def loss_choices(asked: Any) -> list[Choice]:
    if isinstance(asked, Mapping):  # names of the user's for losses of his own, catalogue losses under theirs
        named = [one if isinstance(one, (str, Item)) else own_loss(one, str(name)) for name, one in asked.items()]
        return loss_choices(named)
    found = choices(asked, loss_catalogue, LOSS_OPTIONS)
    for choice in (term for one in found for term in (one, *one.beside)):
        choice.item.check_complete({"class_counts": "those of each seed's training part", **choice.options})
    return found


def weighting_choices(asked: Any) -> list[Choice]:
    found = choices(asked, weighting_catalogue, WEIGHTING_OPTIONS)
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


def rule_choices(asked: Any) -> list[Choice]:
    if isinstance(asked, Mapping):
        named = [one if isinstance(one, (str, Item)) else own_rule(one, str(name)) for name, one in asked.items()]
        return rule_choices(named)
    return choices(asked, rule_catalogue, RULE_OPTIONS)


def schedule_choices(asked: Any) -> list[Choice]:
    return choices(asked, schedule_catalogue)

"""The arms of a comparison, read from what a user writes: "focal(gamma=1|2|5)", "sgd(momentum=0.9, lr=0.01)", items and modules."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from steepest import losses as loss_catalogue
from steepest import optim as rule_catalogue
from steepest.core.calls import split_sum
from steepest.core.declare import Rule, Schedule, Weighting
from steepest.core.domains import check_value
from steepest.core.errors import UsageError, did_you_mean
from steepest.core.item import Item
from steepest.core.loss import OPTIONS, Loss, LossModule
from steepest.core.transform import Transform, Use, read_call, uses_of
from steepest.losses import weightings as weighting_catalogue
from steepest.optim import schedules as schedule_catalogue
from steepest.optim import transforms as transform_catalogue
from steepest.optim.chain import Chain

from .trial import Arm

LOSS_OPTIONS = ("label_smoothing", "normalize")
"""Options of the contract that make sense for a whole study; weights and masks belong to the data."""
RULE_OPTIONS = ("lr", "weight_decay")


@dataclass(frozen=True)
class Choice:
    """One item with its options, and the text that chooses it again."""

    item: Item
    options: dict[str, Any] = field(default_factory=dict)
    transforms: tuple[Use, ...] = ()

    @property
    def text(self) -> str:
        return " + ".join([call_text(self.item.name, self.options), *(use.text for use in self.transforms)])


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
            found.setdefault(choice.text, choice)
    if not found:
        raise UsageError(
            where="compare",
            seen=f"no {_word(catalogue)} was named",
            needed="at least one was needed",
            repair=f"Known: {', '.join(catalogue.names())}.",
        )
    return list(found.values())


def _word(catalogue: Any) -> str:
    return str(catalogue._kind).replace("rule", "optimizer")


def _choices_of_one(one: Any, catalogue: Any, extra: Sequence[str]) -> Iterator[Choice]:
    if isinstance(one, str):
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
    elif isinstance(one, LossModule):
        yield _checked(one.loss, dict(one.options), extra)
    elif isinstance(one, type) and issubclass(one, LossModule):
        yield Choice(one.loss)
    elif isinstance(one, Item) and one.kind == catalogue._kind:
        yield Choice(one)
    elif isinstance(one, Choice):
        yield one
    else:
        raise UsageError(
            where="compare",
            seen=f"{one!r} was given as {_word(catalogue)}",
            needed=f"a name or an item of steepest's {_word(catalogue)} catalogue was needed",
            repair="Your own loss becomes an item by the decorator @steepest.loss; names: "
            + ", ".join(catalogue.names())
            + ".",
        )


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
    elif isinstance(node, ast.Name):
        yield {"true": True, "false": False}.get(node.id.lower(), node.id)
    else:
        yield ast.literal_eval(node)


def _checked(item: Item, options: dict[str, Any], extra: Sequence[str]) -> Choice:
    for name, value in options.items():
        if name in item.hyper:
            check_value(item.name, name, value, item.hyper[name].domain)
        elif name not in extra:
            belongs = " It belongs to the call, not to an arm." if name in OPTIONS else ""
            raise UsageError(
                where=item.name,
                seen=f"option {name!r}",
                needed=f"one of {', '.join([*item.hyper, *extra])} was needed",
                repair=did_you_mean(name, [*item.hyper, *extra]) + belongs,
            )
    return Choice(item, options)


def loss_choices(asked: Any) -> list[Choice]:
    found = choices(asked, loss_catalogue, LOSS_OPTIONS)
    for choice in found:
        choice.item.check_complete({"class_counts": "those of each seed's training part", **choice.options})
    return found


def weighting_choices(asked: Any) -> list[Choice]:
    return choices(asked, weighting_catalogue)


def rule_choices(asked: Any) -> list[Choice]:
    return choices(asked, rule_catalogue, RULE_OPTIONS)


def schedule_choices(asked: Any) -> list[Choice]:
    return choices(asked, schedule_catalogue)


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
    last = words[-1].partition("(")[0].strip() if words else ""
    named = words.pop() if len(words) > 2 and last in schedule_catalogue else None
    if len(words) < 2 or not all(word.partition("(")[0].strip() in transform_catalogue for word in words[2:]):
        raise UsageError(
            where="baseline",
            seen=f"{text!r}",
            needed='"loss + optimizer" or "loss + optimizer + schedule" was needed, transforms behind the optimizer',
            repair='For example "cross_entropy + sgd(lr=0.01, momentum=0.9)".',
        )
    name, _, weighting = words[0].partition(" x ")
    loss, rule = loss_choices(name), rule_choices(" + ".join(words[1:]))
    weighed = weighting_choices(weighting)[0] if weighting else UNWEIGHTED
    if named is not None:
        schedule = schedule_choices(named)[0]
    as_it_is = _arm(loss[0], weighed, rule[0], schedule, names_schedule, n)
    tuned = _untuned(rule[0])
    return [as_it_is, _arm(loss[0], weighed, tuned, schedule, names_schedule, n)] if as_it_is.is_fixed else [as_it_is]


def _untuned(rule: Choice) -> Choice:
    """The optimizer without the learning rate that was named."""
    return replace(rule, options={k: v for k, v in rule.options.items() if k != "lr"})


def _arm(
    loss: Choice, weighting: Choice, rule: Choice, schedule: Choice, names_schedule: bool, n_learning_rates: int
) -> ArmChoice:
    assert isinstance(loss.item, Loss) and isinstance(rule.item, Rule) and isinstance(schedule.item, Schedule)
    assert isinstance(weighting.item, Weighting)
    options = dict(rule.options)
    fixed = options.pop("lr", None)
    decay = options.pop("weight_decay", None)
    words = [objective_text(loss.text, weighting.text), rule.text, *([schedule.text] if names_schedule else [])]
    arm = Arm(
        loss=loss.item,
        loss_options=loss.options,
        weighting=None if weighting == UNWEIGHTED else weighting.item,
        weighting_hyper=weighting.options,
        rule=rule.item,
        rule_hyper=options,
        schedule=schedule.item,
        schedule_hyper=schedule.options,
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

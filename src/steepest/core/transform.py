"""What composes with any update rule: clipping, decay, masks, means; declared once, used alone and in populations."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from .calls import plain_value, split_sum
from .domains import Counts, OneOf, Search
from .errors import DeclarationError, UsageError
from .item import Item

ActsOn = Literal["gradient", "step", "weights", "point"]
LooksAt = Literal["elements", "rows", "tensor"]
GIVEN = ("grad", "param", "t", "lr", "peak_lr", "norm")
"""What a body may ask for by the name of an argument, beside its states and hyperparameters."""


class Transform(Item):
    """A transform: `(x, <states>, [grad], [param], *, [t], [lr], [norm], <hyper>) -> x`, or `(x, <new states>)`.

    acts_on says what x is. gradient: before the rule sees it. step: what the rule would subtract from the parameter,
    its decoupled weight decay left out. weights: the parameter after the step. point: the gradient in, and out comes
    what is added to the parameter before the gradient is taken a second time there.
    All tensors are (K, *shape), one parameter of K trials, K = 1 for a run alone; trials never meet. Numbers are
    floats, or one per trial (core.per_trial). t counts the calls from 1; norm is the length of the whole model's
    gradient, (K, 1, ..., 1); peak_lr is the learning rate where the schedule is at its highest. Counts are the same for
    all trials.
    states: the positional arguments that are not given; initial: "param" for a copy of the parameter, else zero.
    due: `(t, counts) -> bool`, for a transform that lets the rule step only now and then.
    evaluated: the state that holds the weights at which the model is judged.
    decays: it takes the place of the rule's own weight decay.
    looks_at: what must be there at once: single elements, which may come piece by piece; rows, whole in all axes of the
        parameter but the first. tensor: pieces, and one sum over the whole tensor (optim.wholes).
    """

    kind = "transform"

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        acts_on: ActsOn,
        use: str,
        source: str,
        formula: str = "",
        avoid: str = "",
        differs: Mapping[str, str] | None = None,
        search: Mapping[str, Search] | None = None,
        initial: Mapping[str, str] | None = None,
        due: Callable[..., bool] | None = None,
        evaluated: str = "",
        decays: bool = False,
        looks_at: LooksAt = "elements",
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search)
        for name in GIVEN:
            self.hyper.pop(name, None)
        parameters = inspect.signature(fn).parameters
        positional = [n for n, p in parameters.items() if p.kind is not inspect.Parameter.KEYWORD_ONLY][1:]
        self.takes = frozenset(parameters)
        self.states = tuple(name for name in positional if name not in GIVEN)
        self.acts_on: ActsOn = acts_on
        self.looks_at: LooksAt = looks_at
        self.formula, self.avoid, self.differs = formula, avoid, dict(differs or {})
        self.initial, self.due, self.evaluated, self.decays = dict(initial or {}), due, evaluated, decays
        if set(self.initial) - set(self.states) or (evaluated and evaluated not in self.states):
            raise DeclarationError(
                where=self.name,
                seen=f"initial or evaluated names what is no state: {sorted(self.initial)}, {evaluated!r}",
                needed=f"one of {self.states} was needed",
                repair="States are the positional arguments after the first.",
            )

    @property
    def counts(self) -> tuple[str, ...]:
        """Hyperparameters that shape the computation: one value for all trials that step together."""
        return tuple(name for name, h in self.hyper.items() if isinstance(h.domain, (Counts, OneOf)))

    def __call__(self, *args: Any, **hyper: Any) -> Use:
        """The transform with its numbers: clip_norm(1.0), lookahead(every=5)."""
        if len(args) > len(self.hyper):
            raise UsageError(
                where=self.name,
                seen=f"{len(args)} numbers",
                needed=f"at most {len(self.hyper)} were needed: {', '.join(self.hyper) or 'none'}",
                repair="Leave the others out.",
            )
        given = {**dict(zip(self.hyper, args)), **hyper}
        self.check_hyper(given)
        self.check_complete(given)
        return Use(self, given)


@dataclass(frozen=True)
class Use:
    """A transform with the numbers that were given; the others have their defaults."""

    transform: Transform
    given: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        return {**{name: h.default for name, h in self.transform.hyper.items()}, **self.given}

    @property
    def text(self) -> str:
        """The words that ask for it again: clip_norm(max_norm=1)."""
        shown = ", ".join(f"{n}={v:g}" if isinstance(v, float) else f"{n}={v!r}" for n, v in sorted(self.given.items()))
        return f"{self.transform.name}({shown})" if shown else self.transform.name

    def __repr__(self) -> str:
        return self.text


def transform(
    *,
    acts_on: ActsOn,
    use: str,
    source: str,
    formula: str = "",
    avoid: str = "",
    differs: Mapping[str, str] | None = None,
    search: Mapping[str, Search] | None = None,
    initial: Mapping[str, str] | None = None,
    due: Callable[..., bool] | None = None,
    evaluated: str = "",
    decays: bool = False,
    looks_at: LooksAt = "elements",
) -> Callable[[Callable[..., Tensor | tuple[Tensor, ...]]], Transform]:
    """Declare a transform (see Transform)."""

    def declare(fn: Callable[..., Any]) -> Transform:
        return Transform(
            fn,
            acts_on=acts_on,
            use=use,
            source=source,
            formula=formula,
            avoid=avoid,
            differs=differs,
            search=search,
            initial=initial,
            due=due,
            evaluated=evaluated,
            decays=decays,
            looks_at=looks_at,
        )

    return declare


def uses_of(asked: Any, catalogue: Any) -> tuple[Use, ...]:
    """Transforms as they were asked for: "clip_norm(1.0) + cautious", items, uses, or a sequence of them; each once."""
    if asked is None:
        return ()
    listed = [asked] if isinstance(asked, (str, Transform, Use)) else list(asked)
    words = [part for one in listed for part in (split_sum(one) if isinstance(one, str) else [one])]
    found = tuple(_use_of(one, catalogue) for one in words)
    names = [use.transform.name for use in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            where="transforms",
            seen=f"{twice} is asked for twice",
            needed="each transform was needed once at most",
            repair="Leave one of them out.",
        )
    return found


def _use_of(one: Any, catalogue: Any) -> Use:
    if isinstance(one, Use):
        return one
    if isinstance(one, Transform):
        return one()
    if isinstance(one, str):
        name, args, options = read_call(one)
        return catalogue[name](*args, **options)
    raise UsageError(
        where="transforms",
        seen=f"{one!r}",
        needed="a transform or its name was needed",
        repair='For example "clip_norm(1.0)", or steepest.transforms.clip_norm(1.0).',
    )


def read_call(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """ "clip_norm(1.0, eps=0)" -> its name, what stands in the brackets without a name, and what bears one."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, [], {}
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and all(k.arg for k in tree.keywords):
            named = {str(k.arg): plain_value(k.value) for k in tree.keywords}
            return tree.func.id, [plain_value(a) for a in tree.args], named
    except (SyntaxError, ValueError):
        pass
    raise UsageError(
        where="transforms",
        seen=f"{text!r} cannot be read",
        needed="a name, or a name with numbers in brackets, was needed",
        repair='For example "clip_norm(1.0) + cautious".',
    )

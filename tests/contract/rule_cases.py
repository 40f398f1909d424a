"""What the tests of rules share: batches of hyperparameters, gradients, and an oracle that knows no machinery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from steepest import optim
from steepest.core.declare import Rule
from steepest.core.domains import Reals
from steepest.core.item import Hyper
from steepest.core.streams import generator
from steepest.core.trees import Layout
from steepest.optim.optimizer import RuleOptimizer, class_of
from steepest.optim.stacked import StackedRule

ALL = list(optim)
RULES = [rule for rule in ALL if not rule.solo_only]
NAMES = [rule.name for rule in RULES]


def hyper_values(hyper: Hyper, n: int) -> list[Any]:
    """n allowed values of a hyperparameter: the default, ends of the search range, and what the domain holds."""
    searched = hyper.search.grid(3) if hyper.search else []
    allowed = hyper.domain.allowed() if hyper.domain else []
    values = [hyper.default, *searched, *allowed]
    return [values[i % len(values)] for i in range(n)]


def batch_of_hyper(rule: Rule, n: int, shared: dict[str, Any] | None = None) -> dict[str, list[Any]]:
    """n values of each hyperparameter but lr, every one out of step with the others so that the trials mix them.

    shared: values of static hyperparameters, which all trials share; else their defaults.
    """
    found = {}
    for shift, hyper in enumerate(h for h in rule.hyper.values() if h.name != "lr"):
        if hyper.name in rule.static:
            found[hyper.name] = [(shared or {}).get(hyper.name, hyper.default)] * n
            continue
        values = hyper_values(hyper, n)
        found[hyper.name] = values[shift % n :] + values[: shift % n]
    return found


def shared_choices(rule: Rule) -> list[dict[str, Any]]:
    """The defaults of the static hyperparameters, then two other values of each."""
    found: list[dict[str, Any]] = [{}]
    for name in rule.static:
        hyper = rule.hyper[name]
        if not isinstance(hyper.domain, Reals):
            found += [{name: value} for value in hyper.domain.allowed() if value != hyper.default][:2]
    return found


def batch_of_lr(rule: Rule, n: int) -> list[float]:
    search = rule.hyper["lr"].search
    assert search is not None, f"{rule.name} declares no range in which its learning rate is searched"
    return search.grid(n)


def batch_of_decay(rule: Rule, n: int) -> list[float]:
    return [0.0] * n if rule.decay == "none" else [0.1 * k / max(1, n - 1) for k in range(n)]


def column(values: list[Any]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def stacked(
    rule: Rule, hyper: dict[str, list[Any]], decay: list[float], param: Tensor, layout: Layout | None = None
) -> StackedRule:
    numbers = {name: column(values) for name, values in hyper.items() if name not in rule.static}
    shared = {name: hyper[name][0] for name in rule.static if name in hyper}
    stepper = StackedRule(rule, {**numbers, **shared}, column(decay))
    stepper.init(param, layout)
    return stepper


def layout_of(rule: Rule, width: int) -> Layout:
    """A row of `width` numbers as one vector, or as tensors of several shapes for a rule that looks at them."""
    if rule.looks_at == "elementwise":
        return Layout((("", torch.Size([width])),))
    shapes = {"a": (4, 3), "b": (3,), "c": (4, 3), "d": (2, 3, 1, 2)}
    left = width - sum(torch.Size(shape).numel() for shape in shapes.values())
    return Layout((*((name, torch.Size(shape)) for name, shape in shapes.items()), ("e", torch.Size([left]))))


def start(name: str, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=generator("rule tests", name), dtype=torch.float64).to(dtype)


def gradients(name: str, n_steps: int, *shape: int, dtype: torch.dtype = torch.float64) -> Iterator[Tensor]:
    """Noise about a mean, of a size that changes from element to element by a factor of 10^4."""
    g = generator("gradients", name)
    scale = 10 ** (4 * torch.rand(shape, generator=g, dtype=torch.float64) - 2)
    for _ in range(n_steps):
        yield (scale * (torch.randn(shape, generator=g, dtype=torch.float64) + 0.3)).to(dtype)


def optimizer(rule: Rule, param: Tensor, **options: Any) -> RuleOptimizer:
    return class_of(rule)([param], **options)


def solo(rule: Rule, param: Tensor, grads: list[Tensor], layout: Layout | None = None, **options: Any) -> Tensor:
    """The parameters that the optimizer ends with; with a layout, those of a row (P,) stepped as separate tensors."""
    values = [torch.nn.Parameter(value.clone()) for value in parts(param, layout)]
    stepper = class_of(rule)(values, **options)
    for grad in grads:
        for value, part in zip(values, parts(grad, layout)):
            value.grad = part.clone()
        stepper.step()
    ends = [value.detach() for value in values]
    return ends[0] if layout is None else torch.cat([end.flatten() for end in ends])


def parts(row: Tensor, layout: Layout | None) -> list[Tensor]:
    """The tensors that lie in a row (P,)."""
    return [row] if layout is None else [view[0] for view in layout.views(row.unsqueeze(0)).values()]


def by_body(
    rule: Rule,
    param: Tensor,
    grads: list[Tensor],
    lr: float,
    weight_decay: float,
    layout: Layout | None = None,
    **hyper: Any,
) -> Tensor:
    """The declared body alone, called with Python floats, and weight decay as the papers write it."""
    walks = [Walk(rule, part.clone(), lr, weight_decay, hyper) for part in parts(param, layout)]
    for t, grad in enumerate(grads, 1):
        pieces = parts(grad, layout)
        totals = None
        if rule.totals is not None:
            sums = [walk.totals(piece, float(t)) for walk, piece in zip(walks, pieces)]
            totals = tuple(map(sum, zip(*sums)))
        for walk, piece in zip(walks, pieces):
            walk.step(piece, float(t), totals)
    ends = [walk.param for walk in walks]
    return ends[0] if layout is None else torch.cat([end.flatten() for end in ends])


class Walk:
    """One parameter of a run alone."""

    def __init__(self, rule: Rule, param: Tensor, lr: float, weight_decay: float, hyper: dict[str, Any]) -> None:
        self.rule, self.param, self.lr, self.weight_decay, self.hyper = rule, param, lr, weight_decay, hyper
        self.states = {name: self._first(name) for name in rule.states}

    def _first(self, name: str) -> Any:
        first = self.rule.initial.get(name, 0.0)
        if first == "param":
            return self._seen(self.param).clone()
        first = self.hyper[first] if isinstance(first, str) else first
        if name in self.rule.scalar_states:
            return first
        shape = self.param.shape
        if name in self.rule.state_shapes:
            shape = self.rule.state_shapes[name](shape, self.hyper)
        return None if shape is None else self._seen(torch.full(tuple(shape), first, dtype=self.param.dtype))

    def _seen(self, value: Tensor) -> Tensor:
        return value if self.rule.looks_at == "elementwise" else value.unsqueeze(0)

    def _given(self, t: float) -> dict[str, Any]:
        given = {**self.states, **self.hyper, "t": t, "lr": self.lr}
        if self.rule.needs_param:
            given["param"] = self._seen(self.param)
        if self.rule.decay == "inside":
            given["weight_decay"] = self.weight_decay
        return given

    def totals(self, grad: Tensor, t: float) -> list[float]:
        return [float(part.double().sum()) for part in self.rule.totals(self._seen(grad), **self._given(t))]

    def step(self, grad: Tensor, t: float, totals: tuple[float, ...] | None) -> None:
        if self.rule.decay == "coupled":
            grad = grad + self.weight_decay * self.param
        sums = {} if totals is None else {"totals": totals}
        step, *new = self.rule.fn(self._seen(grad), **self._given(t), **sums)
        if self.rule.decay == "decoupled":
            self.param = self.param - self.lr * self.weight_decay * self.param
        self.param = self.param - (step if self.rule.looks_at == "elementwise" else step[0])
        self.states = dict(zip(self.rule.states, new))


def distance(a: Tensor, b: Tensor) -> float:
    """The largest difference, in units of the largest entry."""
    return float((a - b).abs().max() / b.abs().max())


def minimised(
    rule: Rule,
    loss: Callable[[Tensor], Tensor],
    first: Tensor,
    n_steps: int,
    n_rates: int = 9,
    layout: Layout | None = None,
) -> Tensor:
    """loss((K, P)) -> (K,) after n_steps, over first, for K learning rates of the declared range."""
    param = first.expand(n_rates, -1).clone()
    rates = column(batch_of_lr(rule, n_rates))
    stepper = StackedRule(rule, weight_decay=0.0)
    stepper.init(param, layout)
    at_first = loss(param).clone()
    for _ in range(n_steps):
        leaf = param.requires_grad_()
        (grad,) = torch.autograd.grad(loss(leaf).sum(), leaf)
        param.requires_grad_(False)
        stepper.step(param, grad, rates)
    return (loss(stepper.evaluated(param)) / at_first).nan_to_num(nan=torch.inf)

"""What the tests of rules share: batches of hyperparameters, gradients, and an oracle that knows no machinery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from steepest import optim
from steepest.core.declare import Rule
from steepest.core.item import Hyper
from steepest.core.streams import generator
from steepest.optim.optimizer import RuleOptimizer, class_of
from steepest.optim.stacked import StackedRule

RULES = list(optim)
NAMES = [rule.name for rule in RULES]


def hyper_values(hyper: Hyper, n: int) -> list[Any]:
    """n allowed values of a hyperparameter: the default, ends of the search range, and what the domain holds."""
    searched = hyper.search.grid(3) if hyper.search else []
    allowed = hyper.domain.allowed() if hyper.domain else []
    values = [hyper.default, *searched, *allowed]
    return [values[i % len(values)] for i in range(n)]


def batch_of_hyper(rule: Rule, n: int) -> dict[str, list[Any]]:
    """n values of each hyperparameter but lr, every one out of step with the others so that the trials mix them."""
    found = {}
    for shift, hyper in enumerate(h for h in rule.hyper.values() if h.name != "lr"):
        values = hyper_values(hyper, n)
        found[hyper.name] = values[shift:] + values[:shift]
    return found


def batch_of_lr(rule: Rule, n: int) -> list[float]:
    search = rule.hyper["lr"].search
    assert search is not None, f"{rule.name} declares no range in which its learning rate is searched"
    return search.grid(n)


def batch_of_decay(rule: Rule, n: int) -> list[float]:
    return [0.0] * n if rule.decay == "none" else [0.1 * k / max(1, n - 1) for k in range(n)]


def column(values: list[Any]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def stacked(rule: Rule, hyper: dict[str, list[Any]], decay: list[float], param: Tensor) -> StackedRule:
    stepper = StackedRule(rule, {name: column(values) for name, values in hyper.items()}, column(decay))
    stepper.init(param)
    return stepper


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


def solo(rule: Rule, param: Tensor, grads: list[Tensor], **options: Any) -> Tensor:
    """The parameters that the optimizer ends with."""
    value = torch.nn.Parameter(param.clone())
    stepper = optimizer(rule, value, **options)
    for grad in grads:
        value.grad = grad.clone()
        stepper.step()
    return value.detach()


def by_body(rule: Rule, param: Tensor, grads: list[Tensor], lr: float, weight_decay: float, **hyper: Any) -> Tensor:
    """The declared body alone, called with Python floats, and weight decay as the papers write it."""
    states: dict[str, Any] = {}
    for name in rule.states:
        first = rule.initial.get(name, 0.0)
        first = hyper[first] if isinstance(first, str) else first
        states[name] = first if name in rule.scalar_states else torch.full_like(param, first)
    for t, grad in enumerate(grads, 1):
        if rule.decay == "coupled":
            grad = grad + weight_decay * param
        elif rule.decay == "decoupled":
            param = param - lr * weight_decay * param
        seen = {"param": param} if rule.needs_param else {}
        step, *new = rule.fn(grad, **states, **seen, t=float(t), lr=lr, **hyper)
        param, states = param - step, dict(zip(rule.states, new))
    return param


def distance(a: Tensor, b: Tensor) -> float:
    """The largest difference, in units of the largest entry."""
    return float((a - b).abs().max() / b.abs().max())


def minimised(rule: Rule, loss: Callable[[Tensor], Tensor], first: Tensor, n_steps: int, n_rates: int = 9) -> Tensor:
    """loss((K, P)) -> (K,) after n_steps, over first, for K learning rates of the declared range."""
    param = first.expand(n_rates, -1).clone()
    rates = column(batch_of_lr(rule, n_rates))
    stepper = StackedRule(rule, weight_decay=0.0)
    stepper.init(param)
    at_first = loss(param).clone()
    for _ in range(n_steps):
        leaf = param.requires_grad_()
        (grad,) = torch.autograd.grad(loss(leaf).sum(), leaf)
        param.requires_grad_(False)
        stepper.step(param, grad, rates)
    return (loss(param) / at_first).nan_to_num(nan=torch.inf)

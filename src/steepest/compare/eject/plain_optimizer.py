"""What an ejected script has in the place of our optimizers where torch has none: a rule's function, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class RuleOptimizer(torch.optim.Optimizer):
    """An update rule `(grad, <states>, [param], *, t, lr, <numbers>) -> (step, <new states>)` as an optimizer.

    Tensors have a first axis of length 1. scalars: states of one number. decay: coupled (on the gradient), decoupled
    (on the parameter) or inside (the rule takes it). totals: sums over the whole model, which the rule takes.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        rule: Callable[..., Any],
        *,
        lr: float,
        weight_decay: float = 0.0,
        decay: str = "none",
        numbers: Mapping[str, Any] | None = None,
        states: Sequence[str] = (),
        initial: Mapping[str, Any] | None = None,
        scalars: Sequence[str] = (),
        shapes: Mapping[str, Callable[..., Any]] | None = None,
        takes_param: bool = False,
        decays_last: bool = False,
        totals: Callable[..., Any] | None = None,
        evaluated: Callable[..., Tensor] | None = None,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.rule, self.decay, self.numbers, self.states = rule, decay, dict(numbers or {}), tuple(states)
        self.initial, self.shapes, self.takes_param = dict(initial or {}), dict(shapes or {}), takes_param
        self.decays_last, self.totals, self.evaluated, self.n_steps = decays_last, totals, evaluated, 0
        starts = {name: self.initial.get(name, 0.0) for name in scalars}
        self.scalars = {name: float(self.numbers.get(start, start)) for name, start in starts.items()}

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:  # type: ignore[override]
        """One step along the gradients."""
        params = self.moving()
        self.step_rule(params, {p: with_axes(p.grad) for p in params})

    def moving(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"] if p.grad is not None]

    def step_rule(self, params: Sequence[Tensor], grads: Mapping[Tensor, Tensor]) -> None:
        self.n_steps += 1
        lr, weight_decay = self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]
        if self.decay == "coupled":
            grads = {p: grads[p] + weight_decay * with_axes(p) for p in params}
        given = {p: self.given(p, lr, weight_decay) for p in params}
        sums: dict[str, Any] = {}
        if self.totals is not None:
            parts = [self.totals(grads[p], **given[p]) for p in params]
            sums = {"totals": tuple(sum(part.double().sum().item() for part in each) for each in zip(*parts))}
        for p in params:
            x, shrinks = with_axes(p), 1 - lr * weight_decay if self.decay == "decoupled" else 1.0
            if not self.decays_last:
                x.mul_(shrinks)
            step, *new = self.rule(grads[p], **given[p], **sums)
            after = dict(zip(self.states, new))
            self.state[p].update({name: value for name, value in after.items() if name not in self.scalars})
            if self.decays_last:
                x.mul_(shrinks)
            x.sub_(step)
        self.scalars = {name: after[name] for name in self.scalars}

    def given(self, p: Tensor, lr: float, weight_decay: float) -> dict[str, Any]:
        """What the rule takes besides the gradient."""
        own, x = self.state[p], with_axes(p)
        for name in self.states:
            if name not in own and name not in self.scalars:
                own[name] = self.start(name, x)
        found = {**own, **self.scalars, **self.numbers, "t": float(self.n_steps), "lr": lr}
        if self.decay == "inside":
            found["weight_decay"] = weight_decay
        return {**found, "param": x} if self.takes_param else found

    def start(self, name: str, x: Tensor) -> Tensor | None:
        start = self.initial.get(name, 0.0)
        if start == "param":
            return x.clone()
        shape = self.shapes[name](x.shape[1:], self.numbers) if name in self.shapes else x.shape[1:]
        return None if shape is None else x.new_full((1, *shape), self.numbers.get(start, start))

    @torch.no_grad()
    def eval(self) -> None:
        """Put the weights at which the model is judged into it."""
        if self.evaluated is None:
            return
        for p in self.state:
            own = {name: value for name, value in self.state[p].items() if name not in self.scalars}
            with_axes(p).copy_(self.evaluated(with_axes(p), **own, **self.numbers))


def with_axes(x: Any) -> Tensor:
    """A view with a first axis of length 1, and another one behind it."""
    return x.unsqueeze(0) if x.dim() else x.view(1, 1)


class Around:
    """What composes with a rule: changes the gradient, the step or the weights, or says where the gradient is taken."""

    def __init__(
        self,
        change: Callable[..., Any],
        *,
        acts_on: str,
        takes: Sequence[str] = (),
        states: Sequence[str] = (),
        initial: Mapping[str, str] | None = None,
        numbers: Mapping[str, Any] | None = None,
        due: Callable[..., bool] | None = None,
        evaluated: str = "",
    ) -> None:
        self.change, self.acts_on, self.takes, self.states = change, acts_on, tuple(takes), tuple(states)
        self.initial, self.numbers, self.due, self.evaluated = initial or {}, numbers or {}, due, evaluated
        self.kept: dict[Tensor, dict[str, Tensor]] = {}
        self.calls: dict[Tensor, int] = {}

    def meet(self, p: Tensor) -> None:
        """The states of a parameter that has not moved yet."""
        if p not in self.kept:
            x = with_axes(p)
            starts = {n: x.clone() if self.initial.get(n) == "param" else torch.zeros_like(x) for n in self.states}
            self.kept[p], self.calls[p] = starts, 0

    def __call__(self, x: Tensor, key: Tensor, offered: Mapping[str, Any]) -> Tensor:
        """x of one parameter, changed; its states are kept here. offered: grad, param, lr, peak_lr, norm."""
        self.calls[key] += 1
        known = {**offered, "t": self.calls[key]}
        found = self.change(x, **self.kept[key], **{n: known[n] for n in self.takes}, **self.numbers)
        new, *states = found if isinstance(found, tuple) else (found,)
        self.kept[key] = {n: value.clone() for n, value in zip(self.states, states)}
        return new


class ComposedOptimizer(RuleOptimizer):
    """A rule with what composes with it, in this order."""

    def __init__(self, *args: Any, around: Sequence[Around], **options: Any) -> None:
        super().__init__(*args, **options)
        self.around, self.peak_lr = tuple(around), options["lr"]

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:  # type: ignore[override]
        """One step; where the gradient is taken elsewhere, the closure computes the loss and its gradients twice."""
        if closure is not None:
            with torch.enable_grad():
                closure()
        params = self.moving()
        for each in self.around:
            for p in params:
                each.meet(p)
        if closure is not None:
            self.look_elsewhere(params, closure)
        grads = {p: with_axes(p.grad) for p in params}
        for each in self.that("gradient"):
            norm = length(grads.values())
            for p in params:
                grads[p] = each(grads[p], p, self.offered(p, grads[p], norm))
            if each.due is not None and not each.due(each.calls[params[0]], **each.numbers):
                return
        before = {p: with_axes(p).clone() for p in params}
        self.step_rule(params, grads)
        for p in params:
            self.finish(p, grads[p], before[p])

    def look_elsewhere(self, params: Sequence[Tensor], closure: Callable[[], Tensor]) -> None:
        """The gradients that the rule sees are those of another place."""
        norm = length(with_axes(p.grad) for p in params)
        before = {p: p.clone() for p in params}
        for p in params:
            grad = with_axes(p.grad)
            for each in self.that("point"):
                with_axes(p).add_(each(grad, p, self.offered(p, grad, norm)))
        with torch.enable_grad():
            closure()
        for p in params:
            p.copy_(before[p])

    def finish(self, p: Tensor, grad: Tensor, before: Tensor) -> None:
        x, group = with_axes(p), self.param_groups[0]
        if self.that("step"):
            shrunk = before * (1 - group["lr"] * group["weight_decay"] if self.decay == "decoupled" else 1.0)
            step = shrunk - x
            x.copy_(before)
            for each in self.that("step"):
                step = each(step, p, self.offered(p, grad))
            x.copy_(shrunk - step)
        for each in self.that("weights"):
            x.copy_(each(x.clone(), p, self.offered(p, grad)))

    def offered(self, p: Tensor, grad: Tensor, norm: float = 0.0) -> dict[str, Any]:
        x, lr = with_axes(p), self.param_groups[0]["lr"]
        return {"grad": grad, "param": x, "lr": lr, "peak_lr": self.peak_lr, "norm": x.new_tensor(norm)}

    def that(self, acts_on: str) -> list[Around]:
        return [each for each in self.around if each.acts_on == acts_on]

    @torch.no_grad()
    def eval(self) -> None:
        """Put the weights at which the model is judged into it: running means, where there are some."""
        super().eval()
        for each in [each for each in self.around if each.evaluated][-1:]:
            for p, states in each.kept.items():
                with_axes(p).copy_(states[each.evaluated])


def length(grads: Iterable[Tensor]) -> float:
    """Of the whole model's gradient."""
    return sum(g.double().square().sum().item() for g in grads) ** 0.5

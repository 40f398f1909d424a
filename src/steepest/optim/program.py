"""A rule's body as a list of operations, recorded once, then run in place and without temporaries.

The body is plain arithmetic, so torch.fx can record it. What concerns numbers alone (1 - beta1**t) is separated from
what touches tensors: the first runs once per step, on Python floats or on float64 columns (K, 1); the second runs block
by block and writes into memory that is used again. Fresh temporaries can cost more than the arithmetic (bench/step.py).
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx

from steepest.core.declare import Rule
from steepest.core.errors import DeclarationError, UsageError

from .wholes import norm

Call = Callable[..., Any]

AS_TORCH: dict[Any, Call] = {
    operator.add: torch.add,
    operator.sub: torch.sub,
    operator.mul: torch.mul,
    operator.truediv: torch.div,
    operator.pow: torch.pow,
    operator.neg: torch.neg,
}
COMMUTE = (torch.add, torch.mul)
# Elementwise functions, which may write over one of their own arguments.
ELEMENTWISE = {
    *AS_TORCH.values(),
    torch.abs,
    torch.addcdiv,
    torch.addcmul,
    torch.clamp,
    torch.exp,
    torch.lerp,
    torch.log,
    torch.maximum,
    torch.minimum,
    torch.reciprocal,
    torch.rsqrt,
    torch.sign,
    torch.sqrt,
    torch.square,
    torch.tanh,
}


@dataclass(frozen=True)
class Name:
    """An argument that is a value of the program, not a constant."""

    text: str


@dataclass(frozen=True)
class Op:
    """result = call(*args, **kwargs) in the memory `out`: a scratch tensor's number, a state's name, None for new."""

    result: str
    call: Call
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    out: int | str | None = None

    def names(self) -> set[str]:
        return {a.text for a in (*self.args, *self.kwargs.values()) if isinstance(a, Name)}


class Program:
    """What a rule does to numbers, then to tensors. Built by `program_of`.

    states: the names of those that it moves.
    constants(values): all numbers that stay the same over a run, from the hyperparameters.
    numbers(values): all numbers of one step, from the constants, t, lr and the scalar states.
    run(values, scratch): moves param and the states by one step, in place; values holds param, grad, the states and the
    numbers that are used_numbers; scratch is n_scratch tensors of param's shape and dtype.
    Each returns values, filled up. tensor_ops says the same as run, and copies which states then become which value.
    n_norms: of whole tensors.
    """

    def __init__(self, rule: Rule, states: Sequence[str]) -> None:
        calls, step, after = _recorded(rule, states)
        tensors = {"grad", "param", *states} - set(rule.scalar_states)
        moving = {"t", "lr", *rule.scalar_states}
        self.states = tuple(states)
        self.new_scalars = {name: after.pop(name).text for name in rule.scalar_states}
        ops = _renamed(after, tensors)
        number_ops: dict[str, list[Op]] = {"constants": [], "numbers": []}
        for op in calls:
            if tensors & op.names():
                ops.append(_on_tensors(op, tensors))
                tensors.add(op.result)
            elif moving & op.names():
                number_ops["numbers"].append(op)
                moving.add(op.result)
            else:
                number_ops["constants"].append(op)
        self.tensor_ops, self.n_scratch = _placed(_subtracted(ops, step, after, tensors), after)
        self.n_norms = sum(op.call is norm for op in self.tensor_ops)
        self.used_numbers = sorted(set().union(*(op.names() for op in self.tensor_ops)) - tensors)
        written = {op.out for op in self.tensor_ops}
        self.copies = {name: value.text for name, value in after.items() if name not in written and value.text != name}
        self.constants = _function(number_ops["constants"])
        self.numbers = _function(number_ops["numbers"])
        self.run = _function(self.tensor_ops, self.copies)


@cache
def program_of(rule: Rule, states: tuple[str, ...] | None = None) -> Program:
    """The rule's program with some of its states (see Rule.states_with) or all, recorded when it is first asked for."""
    if rule.looks_at != "elementwise":
        raise UsageError(
            where=rule.name,
            seen=f"it looks at a whole {rule.looks_at}",
            needed="a rule of single elements was needed",
            repair="Its body is called as it is: see optim.tensors.",
        )
    return Program(rule, rule.states if states is None else states)


@cache
def program_with_norms(rule: Rule, states: tuple[str, ...]) -> Program | None:
    """The program of a rule that looks at whole tensors, where all that it wants of them are norms; else None.

    Its `run` is not to be used: the numbers of whole tensors are no memory of a block. `tensor_ops` says all.
    """
    sees_decayed = rule.needs_param and rule.decay in ("decoupled", "coupled")
    if rule.looks_at != "matrix" or rule.state_shapes or rule.scalar_states or rule.static or sees_decayed:
        return None
    try:
        return Program(rule, states)
    except (DeclarationError, AttributeError):
        return None


def _function(ops: Sequence[Op], copies: Mapping[str, str] | None = None) -> Callable[..., dict[str, Any]]:
    """The ops as one Python function of a dict of values, which it fills; cheaper than a loop over the ops."""
    known: dict[str, Any] = {}

    def word(value: Any) -> str:
        if isinstance(value, Name):
            return f"v[{value.text!r}]"
        known[f"k{len(known)}"] = value
        return f"k{len(known) - 1}"

    lines = ["def run(v, scratch=()):"]
    for op in ops:
        words = [word(a) for a in op.args] + [f"{name}={word(a)}" for name, a in op.kwargs.items()]
        if op.out is not None:
            words.append(f"out=scratch[{op.out}]" if isinstance(op.out, int) else f"out=v[{op.out!r}]")
        lines.append(f"    v[{op.result!r}] = {word(op.call)}({', '.join(words)})")
    lines += [f"    v[{name!r}].copy_(v[{value!r}])" for name, value in (copies or {}).items()]
    exec("\n".join([*lines, "    return v"]), known)
    return known["run"]


def _recorded(rule: Rule, states: Sequence[str]) -> tuple[list[Op], Name, dict[str, Name]]:
    """The body's calls in order, the step, and what each of the states becomes."""
    graph = fx.Graph()
    try:
        returned = rule.fn(**_arguments(rule, states, graph))
    except (fx.proxy.TraceError, TypeError) as error:
        raise DeclarationError(
            where=rule.name,
            seen=f"its body cannot be recorded: {error}",
            needed="plain arithmetic was needed, one path for all values",
            repair="Choose with core.per_trial.choose or factors of 0 and 1, not with `if`; leave out float() and math.",
        ) from error
    returned = returned if isinstance(returned, (tuple, list)) else (returned,)
    if len(returned) != 1 + len(rule.states):
        raise DeclarationError(
            where=rule.name,
            seen=f"its body returns {len(returned)} values",
            needed=f"(step, {', '.join(rule.states)}) were needed",
            repair="Return the step, then each state in the order of the arguments.",
        )
    step, *new = map(_argument, returned)
    after = {name: value for name, value in zip(rule.states, new) if name in states}
    return [_op_of(n) for n in graph.nodes if n.op in ("call_function", "call_method")], step, after


def _arguments(rule: Rule, states: Sequence[str], graph: fx.Graph) -> dict[str, Any]:
    """Placeholders by name; a state that is left out is 0, and so is the hyperparameter that would need it."""
    tracer = fx.proxy.GraphAppendingTracer(graph)
    off = {name for name in rule.states if name not in states}
    off |= {rule.only_with[name] for name in off}
    names = list(inspect.signature(rule.fn).parameters)
    return {n: 0.0 if n in off else fx.Proxy(graph.placeholder(n), tracer) for n in names}


def _argument(value: Any) -> Any:
    value = value.node if isinstance(value, fx.Proxy) else value
    if not isinstance(value, fx.Node):
        return value
    return Name(str(value.target) if value.op == "placeholder" else value.name)


def _op_of(node: fx.Node) -> Op:
    call: Any = node.target if node.op == "call_function" else getattr(torch, str(node.target))
    return Op(node.name, call, tuple(map(_argument, node.args)), {k: _argument(v) for k, v in node.kwargs.items()})


def _on_tensors(op: Op, tensors: set[str]) -> Op:
    """The op as a torch function that can say `out=`; a number never comes first."""
    call, args = AS_TORCH.get(op.call, op.call), op.args
    if op.call in AS_TORCH and not (isinstance(args[0], Name) and args[0].text in tensors):
        if call in COMMUTE:
            args = args[::-1]
        else:
            call = _NUMBER_FIRST[call]
    return Op(op.result, call, args, op.kwargs)


def _number_first(call: Call) -> Call:
    def with_tensor(number: Any, other: Tensor, **out: Tensor) -> Tensor:
        return call(torch.as_tensor(number, dtype=other.dtype), other, **out)

    with_tensor.__name__ = call.__name__
    return with_tensor


_NUMBER_FIRST = {call: _number_first(call) for call in (torch.sub, torch.div, torch.pow)}
ELEMENTWISE |= set(_NUMBER_FIRST.values())


def _renamed(after: dict[str, Name], tensors: set[str]) -> list[Op]:
    """Copies, made first of all, of arguments that become another state unchanged (`previous_grad = grad`)."""
    ops = []
    for name, value in after.items():
        if value.text in tensors and value.text != name:
            ops.append(Op(f"next_{name}", torch.mul, (value, 1), {}))
            after[name] = Name(f"next_{name}")
    tensors.update(op.result for op in ops)
    return ops


def _subtracted(ops: list[Op], step: Name, after: Mapping[str, Name], tensors: set[str]) -> list[Op]:
    """The ops with param - step at the end; one pass where the step is a quotient or product read by nothing else."""
    last, readers = (ops[-1], [n for op in ops for n in op.names()]) if ops else (None, [])
    if last is not None and last.result == step.text and step not in after.values() and step.text not in readers:
        both = all(isinstance(a, Name) for a in last.args) and not last.kwargs
        if last.call is torch.div and both and last.args[1].text in tensors:
            return [*ops[:-1], Op("", Tensor.addcdiv_, (Name("param"), *last.args), {"value": -1})]
        if last.call is torch.mul and both:
            return [*ops[:-1], Op("", _subtract_product, (Name("param"), *last.args), {})]
    return [*ops, Op("", Tensor.sub_, (Name("param"), step), {})]


def _subtract_product(param: Tensor, a: Tensor, b: Tensor | float) -> None:
    if isinstance(b, Tensor):
        param.addcmul_(a, b, value=-1)
    else:
        param.sub_(a, alpha=b)


def _placed(ops: Sequence[Op], after: Mapping[str, Name]) -> tuple[list[Op], int]:
    """The ops with the memory of their results: the state that a result becomes, else scratch that is free."""
    last_use = _last_uses(ops, after.values())
    becomes = {value.text: name for name, value in reversed([*after.items()])}
    placed: list[Op] = []
    where: dict[str, int] = {}
    free: list[int] = []
    n_scratch = 0
    for i, op in enumerate(ops):
        free += [where.pop(name) for name in sorted(op.names() & set(where)) if last_use[name] == i]
        out: int | str | None = None
        if op.call in ELEMENTWISE:
            state = becomes.get(op.result)
            if state is not None and last_use.get(state, -1) <= i:
                out = state
            else:
                if not free:
                    free.append(n_scratch)
                    n_scratch += 1
                out = where[op.result] = free.pop()
        placed.append(replace(op, out=out))
    return placed, n_scratch


def _last_uses(ops: Sequence[Op], returned: Iterable[Name]) -> dict[str, int]:
    """Name -> number of the op that reads it last; what is returned, or may share memory with a result, stays."""
    last: dict[str, int] = {}
    for i, op in enumerate(ops):
        for name in op.names():
            last[name] = i if op.call in ELEMENTWISE else len(ops)
    return {**last, **{name.text: len(ops) for name in returned}}

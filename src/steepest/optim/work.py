"""What one step of an optimizer does to the parameters of a group, and the one place that runs it (`run_together`)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.faster import keep_freed_memory, steps, whole_steps

from .apply import Scratch, apply_block, blocks
from .program import Program, program_of, program_with_norms
from .tensors import HALF, Cell, step_cells

Options = dict[str, Any]


@dataclass
class Member:
    """A parameter with a gradient, its state by name, and which step this is, from 1 on (captured: a tensor)."""

    param: Tensor
    grad: Tensor
    state: Options
    count: Any


Columns = Sequence[Sequence[Tensor]]
"""All parameters, all gradients, each state of the parameter's shape of all, in the rule's order."""


@dataclass
class Work:
    """One step of one group. settings: the rule's hyperparameters and weight_decay; decay: what weight_decay does.

    members: all that take part; or columns and owners, their tensors and states, where nothing about them is unusual.
    may_fuse: another executor may take the operations together.
    """

    rule: Rule
    settings: Options
    decay: str
    maximize: bool
    members: list[Member]
    columns: list[list[Tensor]] = field(default_factory=list)
    owners: list[Options] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    may_fuse: bool = True

    @property
    def tensor_states(self) -> list[str]:
        """The states that exist here and have the parameter's shape."""
        return [n for n in self.rule.states_with(self.settings) if n not in self.rule.scalar_states]

    def take(self, members: Sequence[Member]) -> None:
        """Columns, owners and counts of members."""
        names = self.tensor_states
        self.columns = [[m.param for m in members], [m.grad for m in members]]
        self.columns += [[m.state[name] for m in members] for name in names]
        self.counts, self.owners = [m.count for m in members], [m.state for m in members]


# -- element by element ------------------------------------------------------------------------------------------------


def run_together(
    program: Program,
    decay: str,
    maximize: bool,
    numbers: Mapping[str, Any],
    names: Sequence[str],
    columns: Columns,
    scratch: Scratch,
    may_fuse: bool = True,
) -> None:
    """Move all (strided, of any shape and dtype) by one step, in place. names: param, grad, and the states.

    All share `numbers`: floats, or on a captured accelerator 0-dim tensors; "decay" among them. This is the place where
    another executor may take over: it is given everything and owes only the result.
    """
    executor = steps() if may_fuse else None
    left = range(len(columns[0])) if executor is None else executor(program, decay, maximize, numbers, names, columns)
    for tensors in ({name: _real(column[place]) for name, column in zip(names, columns)} for place in left):
        for block in blocks(tensors["param"]):
            part = {name: value[block] for name, value in tensors.items()} if block else dict(tensors)
            if maximize:
                part["grad"] = -part["grad"]
            if part["param"].dtype in HALF:
                wide = {name: value.float() for name, value in part.items()}
                apply_block(program, {**numbers, **wide}, decay, scratch)
                for name in set(part) - {"grad"}:
                    part[name].copy_(wide[name])
            else:
                apply_block(program, {**numbers, **part}, decay, scratch)


def usual_columns(
    params: Sequence[Tensor], states: Mapping[Tensor, Options], names: Sequence[str], scalars: Sequence[str]
) -> tuple[list[list[Tensor]], list[Options]] | None:
    """Columns and owners of what has a gradient, where no gradient is sparse and every state is there; else None.

    60 parameters in 20 us; looked at one by one, with all that may be unusual, they take 300.
    """
    grads: list[Any] = [param.grad for param in params]
    if any([grad is None for grad in grads]):  # noqa: C419
        params = [param for param in params if param.grad is not None]
        grads = [param.grad for param in params]
    owners: list[Any] = [states.get(param) for param in params] if names or scalars else [{} for _ in params]
    try:
        columns = [[*params], grads, *([own[name] for own in owners] for name in names)]
    except (KeyError, TypeError):
        return None
    is_usual = (
        all([grad.layout is torch.strided for grad in grads])  # noqa: C419
        and not any([value is None for column in columns[2:] for value in column])  # noqa: C419
        and all([own is not None and name in own for name in scalars for own in owners])  # noqa: C419
    )
    return (columns, owners) if is_usual else None


def run_elementwise(work: Work, scratch: Scratch) -> None:
    """One step of a group whose rule looks at single elements."""
    program = program_of(work.rule, work.rule.states_with(work.settings))
    constants = program.constants(dict(work.settings))
    names = ("param", "grad", *work.tensor_states)
    if work.members:
        work.take([member for member in work.members if not member.grad.is_sparse])
    for age, places in _by_age(work):
        numbers = numbers_of(program, work, constants, age)
        columns = work.columns
        if len(places) < len(work.owners):
            columns = [[column[place] for place in places] for column in columns]
        run_together(program, work.decay, work.maximize, numbers, names, columns, scratch, work.may_fuse)
        for old, (name, value) in zip(age[1:], program.new_scalars.items()):
            if numbers[value] != old:
                _fill([work.owners[place][name] for place in places], numbers[value])
    for member in work.members:
        if member.grad.is_sparse:  # of rules without scalar states
            _run_rows(program, work, numbers_of(program, work, constants, (member.count,)), names, member, scratch)


def _by_age(work: Work) -> Iterator[tuple[tuple[float, ...], Sequence[int]]]:
    """Places of the same age, which share their numbers: the step count, then the scalar states."""
    ages = [work.counts, *([own[name].item() for own in work.owners] for name in work.rule.scalar_states)]
    if all(len(set(values)) == 1 for values in ages):
        yield tuple(values[0] for values in ages), range(len(work.counts))
        return
    each = [*zip(*ages)]
    for age in dict.fromkeys(each):
        yield age, [place for place, own in enumerate(each) if own == age]


def _fill(scalars: list[Tensor], number: float) -> None:
    """In one call: 60 in 15 us, one by one in 50."""
    torch._foreach_copy_(scalars, [torch.full_like(scalars[0], number)] * len(scalars))


def numbers_of(program: Program, work: Work, constants: Options, age: Sequence[Any]) -> Options:
    """All numbers of a step, from the constants, the count and the scalar states."""
    numbers = program.numbers({**constants, "t": age[0], **dict(zip(work.rule.scalar_states, age[1:]))})
    decay = work.settings["weight_decay"]
    numbers["decay"] = 1 - work.settings["lr"] * decay if work.decay == "decoupled" else decay
    return numbers


def _row(names: Sequence[str], member: Member) -> tuple[Tensor, ...]:
    """Parameter, gradient and the states of these names."""
    return (member.param, member.grad, *(member.state[name] for name in names[2:]))


def _run_rows(
    program: Program, work: Work, numbers: Options, names: Sequence[str], member: Member, scratch: Scratch
) -> None:
    """A sparse gradient moves the rows that it names, and leaves the others and their states as they are."""
    grad = member.grad.coalesce()
    places = tuple(grad.indices())
    whole = [_real(value) for value in _row(names, replace(member, grad=member.param))]
    rows = [_real(grad.values()) if name == "grad" else value[places] for name, value in zip(names, whole)]
    run_together(program, work.decay, work.maximize, numbers, names, [[row] for row in rows], scratch)
    for name, value, row in zip(names, whole, rows):
        if name != "grad":
            value[places] = row


# -- captured, differentiated ------------------------------------------------------------------------------------------


def run_captured(work: Work, scratch: Scratch) -> None:
    """The same without a value read back: counts and numbers stay on the device, as a captured graph needs."""
    program = program_of(work.rule, work.rule.states_with(work.settings))
    for member in work.members:
        device, dtype = member.param.device, _real(member.param).dtype
        exact = {n: torch.as_tensor(v, dtype=torch.float64, device=device) for n, v in work.settings.items()}
        age = [member.count.double(), *(member.state[name].double() for name in work.rule.scalar_states)]
        numbers = numbers_of(program, replace(work, settings=exact), program.constants(dict(exact)), age)
        narrow = {n: v.to(torch.float32 if dtype in HALF else dtype) for n, v in numbers.items()}
        names = ("param", "grad", *work.tensor_states)
        run_together(
            program, work.decay, work.maximize, narrow, names, [[value] for value in _row(names, member)], scratch
        )
        for name, value in program.new_scalars.items():
            member.state[name].copy_(numbers[value])


def run_differentiably(work: Work) -> None:
    """The same with autograd looking on: the body as it is, new tensors for all states, the parameter in place."""
    rule, settings = work.rule, work.settings
    off = {name for name in rule.states if name not in rule.states_with(settings)}
    off |= {rule.only_with[name] for name in off}
    takes = set(inspect.signature(rule.fn).parameters)
    for member in work.members:
        param, grad = _real(member.param), _real(-member.grad if work.maximize else member.grad)
        if work.decay == "coupled":
            grad = grad + settings["weight_decay"] * param.clone()
        elif work.decay == "decoupled":
            param.mul_(1 - settings["lr"] * settings["weight_decay"])
        states = {name: _real(value) for name, value in member.state.items()}
        values = {**settings, **states, **dict.fromkeys(off, 0.0), "t": member.count, "param": param.clone()}
        step, *new = rule.fn(grad, **{name: value for name, value in values.items() if name in takes})
        for name, value in zip(rule.states, new):
            if name not in off:
                old = member.state[name]
                value = torch.as_tensor(value, dtype=_real(old).dtype)
                member.state[name] = torch.view_as_complex(value) if old.is_complex() else value
        param.sub_(step)


def _real(value: Tensor) -> Tensor:
    return torch.view_as_real(value) if value.is_complex() else value


# -- tensor by tensor, model by model ----------------------------------------------------------------------------------


def run_whole(works: Sequence[Work]) -> None:
    """One step of a rule that looks at whole tensors or at the whole model, over all groups at once."""
    cells, owners = [], []
    for work in works:
        for member in _left_by_executor(work):
            scalars = {name: member.state[name].item() for name in work.rule.scalar_states}
            named = {name: member.state.get(name) for name in work.rule.states if name not in scalars}
            states = {name: None if value is None else value.unsqueeze(0) for name, value in named.items()}
            numbers = {**work.settings, **scalars, "t": member.count}
            cells.append(Cell(member.param.unsqueeze(0), member.grad.unsqueeze(0), states, numbers, work.maximize))
            owners.append(member.state)
    if cells:
        keep_freed_memory()  # muon, 1M parameters in 60 matrices: 41 ms instead of 51
        for state, scalars in zip(owners, step_cells(works[0].rule, cells)):
            for name, value in scalars.items():
                state[name].fill_(value)


def _left_by_executor(work: Work) -> list[Member]:
    """The members that no other executor has moved."""
    own = whole_steps(work.rule.fn.__module__) if work.may_fuse else None
    if own is not None:
        return [work.members[place] for place in own(work.settings, work.maximize, work.members)]
    program = program_with_norms(work.rule, work.rule.states_with(work.settings))
    if program is None:
        return work.members
    if work.members:
        work.take(work.members)
    left: list[Member] = []
    executor = steps() if work.may_fuse else None
    names, constants = ("param", "grad", *work.tensor_states), program.constants(dict(work.settings))
    for age, places in _by_age(work):
        columns = [[column[place] for place in places] for column in work.columns]
        stay: Sequence[int] = range(len(places))
        if executor is not None:
            numbers = numbers_of(program, work, constants, age)
            stay = executor(program, work.decay, work.maximize, numbers, names, columns)
        left += [Member(columns[0][i], columns[1][i], work.owners[places[i]], age[0]) for i in stay]
    return left

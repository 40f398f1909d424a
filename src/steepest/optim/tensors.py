"""One step of a rule that looks at whole tensors (matrix, tree): its body as it is, on each parameter of K trials.

Small tensors of one shape are stepped together, along the trial axis: a batched product takes what many small ones
would wait for. Large ones are cut along it. So the memory of a step is that of one block, or of one trial's largest
tensor where that is more; rules that need totals of the model or norms, and else see single elements, are cut along all
axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.per_trial import PerTrial, holds_for_any

from .apply import ACCELERATOR_BLOCK_BYTES, cut
from .program import program_with_norms
from .wholes import Sums

# Their arithmetic is float32's, rounded once when the result is stored: op by op it would be rounded ten times.
HALF = (torch.float16, torch.bfloat16)
BLOCK_BYTES = 2**19
"""Of the parameters that a body sees at once; its temporaries are a few times as large. Of 4 MB, each would be taken
from the system anew: the body of adafactor, 60 tensors of 1M parameters, took 12 ms instead of 6."""


@dataclass
class Cell:
    """One parameter of K trials, (K, *shape), K = 1 for a run alone: what a step reads, and writes in place.

    states: (K, *) by name, None where this parameter has none; scalar states lie among the numbers.
    numbers: t, lr, weight_decay, all hyperparameters, the scalar states; floats, or PerTrial.
    climbs: whether the step goes up the gradient instead of down.
    """

    param: Tensor
    grad: Tensor
    states: dict[str, Tensor | None]
    numbers: dict[str, Any]
    climbs: bool = False

    @property
    def slope(self) -> Tensor:
        return -self.grad if self.climbs else self.grad

    def rows(self, trials: slice) -> Cell:
        """Some of the trials, as views."""
        states = {name: None if value is None else value[trials] for name, value in self.states.items()}
        numbers = {n: v.take(trials) if isinstance(v, PerTrial) else v for n, v in self.numbers.items()}
        return Cell(self.param[trials], self.grad[trials], states, numbers, self.climbs)

    def write(self, other: Cell, trials: slice = slice(None)) -> None:
        """Parameter and states of some trials of another, which has the same."""
        self.param.copy_(other.param[trials])
        for name, value in self.states.items():
            if value is not None:
                value.copy_(other.states[name][trials])  # type: ignore[index]


def state_shape(rule: Rule, name: str, shape: torch.Size, settings: Mapping[str, Any]) -> torch.Size | None:
    """The shape of a state for a parameter of a shape; None where it has none."""
    given = rule.state_shapes.get(name)
    found = shape if given is None else given(shape, settings)
    return None if found is None else torch.Size(found)


def step_cells(rule: Rule, cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """One step of all parameters, in place; returns the scalar states of each cell after it."""
    if rule.totals is not None:
        cells = _of_one_age(rule, cells)
        totals = _totals(rule, rule.totals, cells)
        return [_step_in_blocks(rule, cell, totals) for cell in cells]
    if rule.scalar_states:
        return [_step(rule, cell) for cell in cells]
    for group in _alike(cells):
        if len(group) == 1:
            for trials in _cut(group[0]):
                _step_some(rule, group[0].rows(trials))
        else:
            _step_together(rule, group)
    return [{} for _ in cells]


def _step(rule: Rule, cell: Cell, totals: tuple[Any, ...] | None = None) -> dict[str, Any]:
    wide = _wide(rule, cell)
    if wide is not cell:
        found = _step(rule, wide, totals)
        cell.write(wide)
        return found
    numbers, param, decay = cell.numbers, cell.param, cell.numbers["weight_decay"]
    step, *new = _found(rule, cell, totals)
    after = dict(zip(rule.states, new))
    for name, value in cell.states.items():
        if value is not None and after[name] is not value:
            value.copy_(after[name])
    # After the body, not before: Adafactor measures the weights as they were, as torch's does.
    if rule.decay == "decoupled" and holds_for_any(decay != 0):
        param.mul_(1 - numbers["lr"] * decay)
    param.sub_(step)
    return {name: after[name] for name in rule.scalar_states}


def _found(rule: Rule, cell: Cell, totals: tuple[Any, ...] | None = None) -> tuple[Any, ...]:
    """What the body makes of it; nothing is written."""
    grad, decay = cell.slope, cell.numbers["weight_decay"]
    if rule.decay == "coupled" and holds_for_any(decay != 0):
        grad = grad + decay * cell.param
    return rule.fn(grad, **_arguments(rule, cell), **({} if totals is None else {"totals": totals}))


def _step_some(rule: Rule, cell: Cell) -> None:
    """A large tensor by blocks, where the rule asks for nothing of a whole one but norms."""
    blocks = [*_blocks(cell)]
    program = program_with_norms(rule, tuple(cell.states)) if len(blocks) > 1 else None
    if program is None:
        _step(rule, cell)
        return
    sums = Sums(cell.param[0].numel())
    for _ in range(program.n_norms):
        for block in blocks:
            with sums.growing():
                _found(rule, _wide(rule, block))
        sums.close()
    for block in blocks:
        with sums.known():
            _step(rule, block)


def _wide(rule: Rule, cell: Cell) -> Cell:
    """A copy in float32 of what is kept in half precision, where 1e-8 is 0; rules that torch has compute as torch does."""
    if cell.param.dtype not in HALF or rule.equals is not None:
        return cell
    states = {name: None if value is None else value.float() for name, value in cell.states.items()}
    return replace(cell, param=cell.param.float(), grad=cell.grad.float(), states=states)


def _step_in_blocks(rule: Rule, cell: Cell, totals: tuple[Any, ...]) -> dict[str, Any]:
    """The step of a rule that needs nothing but totals beside single elements; all blocks find the same scalars."""
    found: dict[str, Any] = {}
    for block in _blocks(cell):
        found = _step(rule, block, totals)
    return found


def _arguments(rule: Rule, cell: Cell) -> dict[str, Any]:
    """What the body takes besides the gradient."""
    names = [*rule.scalar_states, *rule.hyper, "t", *(["weight_decay"] if rule.decay == "inside" else [])]
    given = {**cell.states, **{name: cell.numbers[name] for name in names}}
    return {**given, "param": cell.param} if rule.needs_param else given


def _of_one_age(rule: Rule, cells: Sequence[Cell]) -> Sequence[Cell]:
    """The model's numbers are those of its oldest parameter; one that joins late takes them over."""
    if not cells or isinstance(cells[0].numbers["t"], PerTrial):
        return cells
    oldest = max(cells, key=lambda cell: cell.numbers["t"])
    shared = {name: oldest.numbers[name] for name in rule.scalar_states}
    return [replace(cell, numbers={**cell.numbers, **shared}) for cell in cells]


def _totals(rule: Rule, contributions: Callable[..., tuple[Tensor, ...]], cells: Sequence[Cell]) -> tuple[Any, ...]:
    """The sums over the model: one number for each trial, in float64."""
    sums: list[Tensor] = []
    for cell in (_wide(rule, block) for cell in cells for block in _blocks(cell)):
        parts = contributions(cell.slope, **_arguments(rule, cell))
        found = [part.reshape(len(part), -1).sum(1, dtype=torch.float64).cpu() for part in parts]
        sums = [a + b for a, b in zip(sums, found)] if sums else found
    per_trial = any(isinstance(number, PerTrial) for number in cells[0].numbers.values()) if cells else False
    return tuple(PerTrial(total) if per_trial else total.item() for total in sums)


# -- together and apart ----------------------------------------------------------------------------------------------


def _block_bytes(cell: Cell) -> int:
    return BLOCK_BYTES if cell.param.is_cpu else ACCELERATOR_BLOCK_BYTES


def _blocks(cell: Cell) -> Iterator[Cell]:
    """Views of all trials in some elements, which fill about a block."""
    most = max(1, _block_bytes(cell) // cell.param.element_size() // max(1, len(cell.param)))
    for elements in cut(cell.param.shape[1:], most):
        at = (slice(None), *elements)
        states = {name: None if value is None else value[at] for name, value in cell.states.items()}
        yield replace(cell, param=cell.param[at], grad=cell.grad[at], states=states)


def _cut(cell: Cell) -> list[slice]:
    """The trials in stretches of about a block."""
    n_trials, row_bytes = len(cell.param), cell.param[:1].numel() * cell.param.element_size()
    rows = max(1, _block_bytes(cell) // max(1, row_bytes))
    return [slice(start, min(start + rows, n_trials)) for start in range(0, n_trials, rows)]


def _alike(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells of the same shape and numbers, as many as fill a block."""
    open_groups: dict[Any, list[Cell]] = {}
    groups = []
    for cell in cells:
        key = (cell.param.shape, cell.param.dtype, cell.param.device, *_number_key(cell))
        group = open_groups.get(key)
        if group is None or (len(group) + 1) * cell.param.nbytes > BLOCK_BYTES:
            group = open_groups[key] = []
            groups.append(group)
        group.append(cell)
    return groups


def _number_key(cell: Cell) -> tuple[Any, ...]:
    names = sorted(cell.numbers)
    values = tuple(id(v) if isinstance(v, PerTrial) else v for v in (cell.numbers[name] for name in names))
    return (cell.climbs, *values, *(name for name, value in cell.states.items() if value is None))


def _step_together(rule: Rule, group: Sequence[Cell]) -> None:
    """As one cell of len(group) times as many trials."""
    n, first = len(group), group[0]
    states: dict[str, Tensor | None] = {
        name: None if value is None else torch.cat([cell.states[name] for cell in group])  # type: ignore[misc]
        for name, value in first.states.items()
    }
    numbers = {name: v.repeat(n) if isinstance(v, PerTrial) else v for name, v in first.numbers.items()}
    joined = Cell(
        torch.cat([c.param for c in group]), torch.cat([c.grad for c in group]), states, numbers, first.climbs
    )
    _step(rule, joined)
    for i, cell in enumerate(group):
        cell.write(joined, slice(i * len(cell.param), (i + 1) * len(cell.param)))

"""A rule for a whole population: K trials step at once, each with its own numbers and step count.

    stepper = StackedRule(optim.adamw, {"beta1": torch.tensor([0.9, 0.95])}, weight_decay=torch.tensor([0.0, 0.1]))
    stepper.init(param)                        # param (K, P): one flat row per trial; or init(param, layout)
    stepper.step(param, grad, lr)              # in place; lr (K,), one learning rate per trial
    stepper.step(param, grad, lr, alive=mask)  # trials with alive[k] = False keep every bit of param and state
    fewer = stepper.take([0, 3])               # only some trials, copied
    saved = stepper.state                      # {"step": (K,), name: (K, *), numbers (K, 1)}: a plain dict of tensors
    stepper.load(saved)

Rows never meet: a trial that diverges changes no bit of its neighbours. Hyperparameters and weight_decay that are left
out have their declared defaults. Weight decay is coupled or decoupled as the rule declares; it is free where no trial
has any. Of a rule of single elements a step adds at most 64 MB, whatever K and P, and nothing is read back from an
accelerator but `alive`, when it lies there. A rule that looks at matrices needs to know them: init(param, layout).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from steepest.core import trees
from steepest.core.declare import Rule
from steepest.core.domains import as_float64
from steepest.core.errors import ShapeError, UsageError
from steepest.core.faster import row_steps
from steepest.core.per_trial import PerTrial
from steepest.core.trees import Layout, Tree

from .apply import Scratch, apply_block, blocks
from .program import Program, program_of
from .settings import accept_settings, static_of
from .tensors import Cell, state_shape, step_cells

Numbers = float | Tensor


class StackedRule:
    """The stacked step of one rule; the module's first lines show its use."""

    def __init__(
        self, rule: Rule, hyper: Mapping[str, Numbers] | None = None, weight_decay: Numbers | None = None
    ) -> None:
        """hyper, weight_decay: a number for all trials, or a tensor (K,) with one for each; lr is not among them."""
        if rule.solo_only:
            _refuse_population(rule)
        self.rule = rule
        settings = accept_settings(rule, {**(hyper or {}), "weight_decay": weight_decay})
        settings.pop("lr")
        self._static = static_of(rule, settings)
        self._numbers: Tree = {n: as_float64(value) for n, value in settings.items() if n not in self._static}
        self._decay: str = rule.decay if bool((self._numbers["weight_decay"] != 0).any()) else "none"
        self._states = rule.states_with({**self._numbers, **self._static})
        self._program = program_of(rule, self._states) if rule.looks_at == "elementwise" else None
        self._scratch = Scratch()
        self._layout = Layout(())
        self._constants: Tree = {}
        self._columns: Tree = {}
        self.state: Tree = {}

    def init(self, param: Tensor, layout: Layout | None = None) -> None:
        """The states of trials that have made no step. param (K, P), of any floating dtype.

        layout: which parameters lie in a row, for rules that look at more than elements; else the row is one vector.
        """
        if param.dim() != 2:
            raise ShapeError(
                where=self.rule.name,
                seen=f"param has shape {tuple(param.shape)}",
                needed="(K, P) was needed: one flat row per trial",
                repair="param.flatten(1) flattens all but the trial axis.",
            )
        self._layout = layout or Layout((("", param.shape[1:]),))
        self._numbers = {name: self._column(name, value, param) for name, value in self._numbers.items()}
        self.state = {"step": torch.zeros(len(param), dtype=torch.float64, device=param.device)}
        for name in self._states:
            self.state[name] = self._initial(name, param)
        self._prepare(param.dtype)

    def _initial(self, name: str, param: Tensor) -> Tensor:
        start = self.rule.initial.get(name, 0.0)
        if start == "param":
            return param.clone()
        column = self._numbers[start] if isinstance(start, str) else self._column(name, as_float64(start), param)
        if name in self.rule.scalar_states:
            return column.clone()
        width = param.shape[1] if self._program else self._layout_of(name).width
        return column.to(param.dtype).expand(len(param), width).clone()

    def _layout_of(self, name: str) -> Layout:
        """Where a state of each parameter lies in its row, for those parameters that have it."""
        shapes = ((key, state_shape(self.rule, name, shape, self._static)) for key, shape in self._layout.shapes)
        return Layout(tuple((key, shape) for key, shape in shapes if shape is not None))

    def _prepare(self, dtype: torch.dtype) -> None:
        """What stays the same over the run is computed once, and cast once."""
        if self._program is None:
            return
        self._constants = self._program.constants(dict(self._numbers))
        if self._decay == "coupled":
            self._constants["decay"] = self._constants["weight_decay"]
        names = (*self._program.used_numbers, "decay")
        self._columns = {n: self._constants[n].to(dtype) for n in names if n in self._constants}

    def _column(self, name: str, value: Tensor, param: Tensor) -> Tensor:
        """(K, 1), one number per trial, beside param."""
        if value.numel() not in (1, len(param)):
            raise ShapeError(
                where=self.rule.name,
                seen=f"{name} has {value.numel()} values and param {len(param)} trials",
                needed="one value per trial was needed",
                repair=f"{name} must have shape ({len(param)},).",
            )
        return value.reshape(-1, 1).expand(len(param), 1).to(param.device)

    @torch.no_grad()
    def step(self, param: Tensor, grad: Tensor, lr: Tensor, alive: Tensor | None = None) -> None:
        """One step of every living trial, in place. param, grad (K, P); lr (K,); alive (K,) bool, or None for all."""
        self._accept(param, grad, lr)
        self.state["step"] += 1.0 if alive is None else alive.to(param.device, torch.float64)
        if self._program is None:
            for trials in _runs(alive, len(param)):
                self._step_tensors(param, grad, lr, trials)
        else:
            self._step_elements(self._program, param, grad, lr, alive)

    def _step_elements(self, program: Program, param: Tensor, grad: Tensor, lr: Tensor, alive: Tensor | None) -> None:
        rates, t = lr.to(param.device, torch.float64).unsqueeze(1), self.state["step"].unsqueeze(1)
        numbers = self._numbers_of(program, rates, self._constants, t)
        tensors, executor = self._moving(param, grad), row_steps()
        for trials in _runs(alive, len(param)):
            own, rows = (numbers, tensors) if alive is None else (_rows_of(numbers, trials), _rows_of(tensors, trials))
            move = None if executor is None else executor(program, self._decay, rows)
            if move is None:
                self._step_blocks(program, rows, own, trials)
            else:
                move(own)
            for name, value in program.new_scalars.items():
                self.state[name][trials] = own[value]

    def bound(self, param: Tensor, grad: Tensor) -> Callable[[Tensor], None]:
        """`step` of all trials for tensors that stay where they are: what a step looks up is looked up once.

        Returns what takes lr (K,), float64, and makes a step.
        """
        program, executor, move = self._program, row_steps(), None
        if program is not None and executor is not None:
            move = executor(program, self._decay, self._moving(param, grad))
        if program is None or move is None:
            return lambda lr: self.step(param, grad, lr)

        constants, steps = self._shared_constants(program), self.state["step"]
        is_even = bool((steps == steps[0]).all())

        def step(lr: Tensor) -> None:
            steps.add_(1.0)
            t = float(steps[0]) if is_even else steps.unsqueeze(1)
            numbers = self._numbers_of(program, lr.unsqueeze(1), constants, t)
            move(numbers)
            for name, value in program.new_scalars.items():
                self.state[name].copy_(torch.as_tensor(numbers[value]))

        return step

    def _shared_constants(self, program: Program) -> dict[str, Any]:
        """What stays the same over the run, as floats where all trials share it, which cost a tenth of tensors."""
        shared = {n: float(v[0]) if bool((v == v[0]).all()) else v for n, v in self._numbers.items()}
        constants = program.constants(shared)
        return {**constants, "decay": constants["weight_decay"]} if self._decay == "coupled" else constants

    def _moving(self, param: Tensor, grad: Tensor) -> Tree:
        tensors = {name: self.state[name] for name in self._states if name not in self.rule.scalar_states}
        return {**tensors, "param": param, "grad": grad}

    def _step_blocks(self, program: Program, tensors: Tree, numbers: Tree, trials: slice) -> None:
        dtype, columns = tensors["param"].dtype, {n: v[trials] for n, v in self._columns.items()}
        names = (*program.used_numbers, "decay")
        columns.update((n, numbers[n].to(dtype)) for n in names if n not in columns and n in numbers)
        for block in blocks(tensors["param"]):
            if block:
                part = {name: value[block] for name, value in tensors.items()}
                part.update((name, value[block[:1]]) for name, value in columns.items())
            else:
                part = {**tensors, **columns}
            apply_block(program, part, self._decay, self._scratch)

    def _step_tensors(self, param: Tensor, grad: Tensor, lr: Tensor, trials: slice) -> None:
        """One step of neighbouring trials, tensor by tensor."""
        numbers: dict[str, Any] = {n: PerTrial(value[trials]) for n, value in self._numbers.items()}
        numbers.update({n: PerTrial(self.state[n][trials]) for n in self.rule.scalar_states})
        numbers.update(self._static, t=PerTrial(self.state["step"][trials]), lr=PerTrial(lr[trials]))
        params, grads = self._layout.views(param[trials]), self._layout.views(grad[trials])
        names = [name for name in self._states if name not in self.rule.scalar_states]
        states = {name: self._layout_of(name).views(self.state[name][trials]) for name in names}
        cells = [
            Cell(params[key], grads[key], {name: views.get(key) for name, views in states.items()}, numbers)
            for key, _ in self._layout.shapes
        ]
        for found in step_cells(self.rule, cells)[:1]:
            for name, value in found.items():
                self.state[name][trials] = value.values.unsqueeze(1).to(param.device)

    def evaluated(self, param: Tensor) -> Tensor:
        """The weights (K, P) at which the trials are judged: param itself, but for rules such as schedule-free ones."""
        if self.rule.evaluated is None:
            return param
        states = {name: self.state[name] for name in self._states if name not in self.rule.scalar_states}
        numbers = {name: PerTrial(value) for name, value in self._numbers.items() if name in self.rule.hyper}
        return self.rule.evaluated(param, **states, **numbers)

    def _numbers_of(self, program: Program, lr: Tensor, constants: Mapping[str, Any], t: Any) -> dict[str, Any]:
        """All numbers of this step, float64 columns, or floats where constants and t are."""
        numbers: dict[str, Any] = {name: self.state[name] for name in self.rule.scalar_states}
        numbers.update(constants, t=t, lr=lr)
        if self._decay == "decoupled":
            numbers["decay"] = 1 - lr * numbers["weight_decay"]
        return program.numbers(numbers)

    def _accept(self, param: Tensor, grad: Tensor, lr: Tensor) -> None:
        n = len(self.state.get("step", ()))
        if param.shape != grad.shape or param.dim() != 2 or lr.shape != (n,) or len(param) != n:
            raise ShapeError(
                where=self.rule.name,
                seen=f"param is {tuple(param.shape)}, grad {tuple(grad.shape)}, lr {tuple(lr.shape)}, {n} trials",
                needed="(K, P), (K, P), (K,) and K were needed",
                repair="init(param) makes the state; take(trials) keeps some trials.",
            )

    def take(self, trials: Sequence[int] | Tensor) -> StackedRule:
        """The stepper of some trials, with copies of their states."""
        kept = copy.copy(self)
        kept._numbers, kept._scratch = trees.take(self._numbers, trials), Scratch()
        kept._constants, kept._columns = trees.take(self._constants, trials), trees.take(self._columns, trials)
        kept.state = trees.take(self.state, trials)
        return kept

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a saved `state`, to the last bit; copied into this stepper's dtype and device."""
        same = set(state) == set(self.state) and all(state[n].shape == v.shape for n, v in self.state.items())
        if not same:
            raise ShapeError(
                where=self.rule.name,
                seen=f"the saved state holds {_shapes(state)}",
                needed=f"{_shapes(self.state)} was needed",
                repair="Was it saved by the same rule for the same trials and model? init(param) comes before load.",
            )
        for name, value in self.state.items():
            value.copy_(state[name])


def _runs(alive: Tensor | None, n_trials: int) -> Iterator[slice]:
    """The living trials as slices of neighbours: views, so that the dead are not touched at all."""
    if alive is None:
        yield slice(0, n_trials)
        return
    start = None
    for trial, lives in enumerate([*alive.tolist(), False]):
        if lives and start is None:
            start = trial
        elif not lives and start is not None:
            yield slice(start, trial)
            start = None


def _rows_of(tree: Tree, trials: slice) -> Tree:
    return {name: value[trials] for name, value in tree.items()}


def _refuse_population(rule: Rule) -> None:
    raise UsageError(
        where=rule.name,
        seen="it is asked to step a population",
        needed="a run alone was needed",
        repair=f"{rule.solo_only} Take steepest.optim.{rule.class_name} for one model, or another rule for many.",
    )


def _shapes(tree: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(value.shape)}" for name, value in tree.items()) or "nothing"

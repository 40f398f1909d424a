"""The steps of a group in which nothing is unusual: their Python part is short, as it is most of a small model's step.

What the options of a group come to is kept as long as they are the same objects. Tensors are looked at in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import is_
from typing import Any

from torch import Tensor

from steepest.core.faster import ReadyStep, ready_steps

from . import work as works
from .program import program_of, program_with_norms
from .work import Work, numbers_of

Options = dict[str, Any]
PLAIN = (int, float, bool, str, type(None))
EXACT = 2.0**24
"""The last count that a float32 counts to."""


class Usual:
    """What a group's options come to.

    work: without members and columns. counts: whether there is a step count. is_special: looked at one by one always.
    """

    def __init__(self, group: Options, work: Work, counts: bool, is_special: bool) -> None:
        rule, states = work.rule, work.rule.states_with(work.settings)
        self._keys, self._values = [*group], [*group.values()]
        self._can_stay = all(_is_plain(value) for name, value in group.items() if name != "params")
        self._work, self._counts = work, counts
        self._age: tuple[float, ...] = ()
        self._numbers: Options = {}  # of the last step: some rules have the same numbers in all
        self._look: Callable[[list[Tensor], Mapping[Tensor, Options]], ReadyStep | None] | None = None
        look = program_of if rule.looks_at == "elementwise" else program_with_norms
        self._program: Any = look(rule, states) if work.may_fuse and not is_special else None
        if self._program is not None:
            self._constants = self._program.constants(dict(work.settings))
            names = ("param", "grad", *work.tensor_states)
            scalars = (["step"] if counts else []) + [*rule.scalar_states]
            executor = ready_steps() if works.steps() is not None else None
            if executor is not None:
                self._look = executor(self._program, work.decay, work.maximize, names, scalars)

    def is_of(self, group: Options) -> bool:
        """Whether the group still has the options that this was made of."""
        return self._can_stay and [*group] == self._keys and all(map(is_, group.values(), self._values))

    def ready(self, params: list[Tensor], states: Mapping[Tensor, Options]) -> ReadyToMove | None:
        """The step of these, if all that have a gradient have the same age and kind, and all their states."""
        if self._look is None or type(params) is not list or not params or not params[0].is_cpu:
            return None
        step = self._look(params, states)
        return None if step is None else self._with_numbers(step)

    def _with_numbers(self, step: ReadyStep) -> ReadyToMove | None:
        count, old = (step.scalars[0] + 1, step.scalars[1:]) if self._counts else (2.0, step.scalars)
        program = self._program
        if (count, *old) != self._age:
            numbers = numbers_of(program, self._work, self._constants, (count, *old))
            if count > EXACT or any([isinstance(numbers[name], Tensor) for name in program.used_numbers]):  # noqa: C419
                return None
            self._age, self._numbers = (count, *old), numbers
        numbers = self._numbers
        new = [numbers[name] for name in program.new_scalars.values()]
        return ReadyToMove(step, numbers, [count, *new] if self._counts else new)


@dataclass
class ReadyToMove:
    """A step and its numbers. Nothing has been written yet, and nothing can go wrong any more."""

    step: ReadyStep
    numbers: Options
    scalars: list[float]

    def move(self) -> None:
        self.step.move(self.numbers, self.scalars)


def _is_plain(value: Any) -> bool:
    """Whether it stays the same number as long as it is the same object."""
    return type(value) in PLAIN or (type(value) is tuple and all(type(part) in PLAIN for part in value))

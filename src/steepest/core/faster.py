"""Faster forms of what is declared: kernels/losses/NAME.py belongs to losses/NAME.py, kernels/rules/NAME.py to
optim/rules/NAME.py, kernels/steps.py to all rules.

core knows the place and the protocol, never the content. A kernel gives what the declared body gives, or None: then the
body runs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from torch import Tensor

from .batch import Options


class Kernel(Protocol):
    """Called outside compilation, with checked hyperparameters; refuses nothing, but steps back."""

    def __call__(
        self,
        input: Tensor,
        target: Tensor | None,
        options: Options | None,
        hyper: dict[str, Any],
        reduction: str,
        normalize: str,
        denominator: float | Tensor | None,
        again: Callable[[Tensor], Tensor],
    ) -> Tensor | None:
        """The reduced loss. options: None when there are none.

        again: the declared body on another input, to be differentiated twice.
        """

    def slope(
        self, input: Tensor, target: Tensor | None, options: Options | None, hyper: dict[str, Any], normalize: str
    ) -> tuple[Tensor, Tensor] | None:
        """(numerator, denominator) of `input`, which is overwritten by the numerator's gradient."""


class Steps(Protocol):
    """Moves tensors by one step of a recorded rule; what it leaves is for the caller."""

    def __call__(
        self,
        program: Any,
        decay: str,
        maximize: bool,
        numbers: Mapping[str, Any],
        names: Sequence[str],
        columns: Sequence[Sequence[Tensor]],
    ) -> Sequence[int]:
        """The places that it has not moved. All others it has, in place.

        program: tensor_ops, copies and used_numbers as optim.program has them. names: what the columns are: all params,
        their gradients, and each state of all of them.
        """


class ReadyStep(Protocol):
    """A step that can be taken: nothing has been written yet.

    scalars: the number that each of the scalar columns holds.
    """

    scalars: Sequence[float]

    def move(self, numbers: Mapping[str, Any], scalars: Sequence[float]) -> None:
        """Take it, once and at once, and give the scalar columns new numbers."""


class ReadySteps(Protocol):
    """Steps of a group in which nothing is unusual: whether there is one is asked with little more than one look."""

    def __call__(
        self, program: Any, decay: str, maximize: bool, names: Sequence[str], scalar_names: Sequence[str]
    ) -> Callable[[list[Tensor], Mapping[Tensor, Any]], ReadyStep | None] | None:
        """What is given the parameters and their states, and gives the step of those that have a gradient.

        It gives None where one tensor is of another kind than the others, or the numbers of a scalar column are not
        equal. program, names: as Steps has them. scalar_names: states of tensors of one number, such as step counts.
        """


class RowSteps(Protocol):
    """The same for K trials, each with its own numbers, whose tensors stay where they are."""

    def __call__(
        self, program: Any, decay: str, tensors: Mapping[str, Tensor]
    ) -> Callable[[Mapping[str, Any]], None] | None:
        """What moves all trials by a step, in place; None where it cannot.

        It is given the numbers, each (K, 1) in float64, or a float, the same for all.

        tensors (K, P): param, grad, and the states.
        """


class WholeSteps(Protocol):
    """Moves members (see optim.work) by one step of a rule that has a kernel of its own."""

    def __call__(self, settings: Mapping[str, Any], maximize: bool, members: Sequence[Any]) -> Sequence[int]:
        """The places that it has not moved. All others it has, in place."""


@cache
def whole_steps(module: str) -> WholeSteps | None:
    """The kernel that belongs to a rule declared in this module, if there is one."""
    _, found, name = module.rpartition(f"{__name__.rpartition('.core.')[0]}.optim.rules.")
    return _of_kernels(f"rules.{name}", "step") if found else None


@cache
def steps() -> Steps | None:
    """The executor of update rules, if there is one."""
    return _of_kernels("steps", "take_steps")


@cache
def ready_steps() -> ReadySteps | None:
    """The executor of update rules where nothing is unusual, if there is one."""
    return _of_kernels("steps", "ready_steps")


@cache
def row_steps() -> RowSteps | None:
    """The executor of update rules for trials side by side, if there is one."""
    return _of_kernels("steps", "bind_rows")


class ClassCounts(Protocol):
    """Counts (*lead, C, C) in float64 of scores (*lead, N, C) and labels (N,) or (*lead, N), or None where it cannot."""

    def __call__(self, scores: Tensor, target: Tensor) -> Tensor | None: ...


@cache
def class_counts() -> ClassCounts | None:
    """The executor of confusion counts, if there is one."""
    return _of_kernels("class_counts", "count_classes")


@cache
def keep_freed_memory() -> None:
    """Have memory of freed tensors kept for the next ones, where there is a way."""
    keep = _of_kernels("allocator", "keep_freed_memory")
    if keep is not None:
        keep()


def _of_kernels(module: str, name: str) -> Any:
    package = __name__.rpartition(".core.")[0]
    try:
        return getattr(importlib.import_module(f"{package}.kernels.{module}"), name)
    except ModuleNotFoundError:
        return None


def kernel_of(module: str) -> Kernel | None:
    """The kernel that belongs to a loss declared in this module, if there is one."""
    package, found, name = module.rpartition(".losses.")
    if not found:
        return None
    place = f"{package}.kernels.losses.{name}"
    try:
        return getattr(importlib.import_module(place), "kernel", None)
    except ModuleNotFoundError as error:
        if error.name is not None and place.startswith(error.name):
            return None
        raise

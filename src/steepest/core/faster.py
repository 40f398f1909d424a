"""Faster forms of declared losses: kernels/losses/NAME.py belongs to losses/NAME.py and is found by its place.

core knows the place and the protocol, never the content. A kernel gives what the declared body gives, or None: then the
body runs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
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

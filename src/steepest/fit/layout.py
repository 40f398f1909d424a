"""How images pass through a model: in which memory format, by whose kernels. Measured on a copy, once for a run."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointError

from steepest.core.errors import UsageError
from steepest.core.sealed import sealed
from steepest.kernels.images import FasterImages, has_kernels

from .quickest import Within, pass_through, quickest

NOTHING = nullcontext()
_KNOWN: dict[Any, Layout] = {}


@dataclass(frozen=True)
class Layout:
    """name: as `fit(memory_format=...)` takes it and a checkpoint holds it."""

    name: str
    memory_format: torch.memory_format = torch.contiguous_format
    has_own_kernels: bool = False

    def prepare(self, model: nn.Module) -> None:
        """Weights in this format. Values stay, and so do the parameters that an optimizer knows."""
        if self.memory_format is not torch.contiguous_format:
            model.to(memory_format=self.memory_format)  # type: ignore[call-overload]

    def given(self, inputs: Any) -> Any:
        """Images in this format; anything else as it is."""
        if self.memory_format is torch.contiguous_format or not isinstance(inputs, Tensor) or inputs.dim() != 4:
            return inputs
        return inputs.to(memory_format=self.memory_format)

    def backward(self, value: Tensor) -> None:
        """The backward pass. What a checkpoint computes again is computed by torch, which keeps other tensors."""
        try:
            value.backward()
        except CheckpointError as error:
            if not self.has_own_kernels:
                raise
            raise UsageError(
                where="fit",
                seen="memory_format='kernels' and a model that computes layers again in the backward pass (checkpoint)",
                needed="one of them was needed: the second time torch's kernels would answer",
                repair='memory_format="channels_last".',
            ) from error

    def kernels(self) -> AbstractContextManager[Any]:
        """What a forward pass runs in."""
        return FasterImages() if self.has_own_kernels else NOTHING


PLAIN = Layout("contiguous")
LAYOUTS = {
    layout.name: layout
    for layout in (PLAIN, Layout("channels_last", torch.channels_last), Layout("kernels", has_own_kernels=True))
}


def layout_named(name: str) -> Layout:
    """The layout of a name, refused where this machine cannot have it."""
    found = LAYOUTS[name]
    if found.has_own_kernels and not has_kernels():
        raise UsageError(
            where="fit",
            seen="memory_format 'kernels' and no C++ compiler, or kernels that are switched off",
            needed="g++ was needed, on the path or named in CXX",
            consequence="Other kernels round otherwise: the end would be that of neither run.",
            repair='Install g++, or begin a new run with memory_format="channels_last".',
        )
    return found


def fastest(
    model: nn.Module,
    inputs: Any,
    within: Within = nullcontext,
    *,
    may_be_ours: bool = True,
) -> Layout:
    """The layout in which forward and backward of a copy take the least time; a layout that the model refuses is out.

    within: what a forward pass runs in besides, mixed precision. The model, and the global random numbers, stay.
    may_be_ours: our own kernels may be chosen.
    """
    if not _is_imagelike(model, inputs):
        return PLAIN
    shapes = tuple((tuple(p.shape), p.dtype) for p in model.parameters())
    key = (repr(model), shapes, tuple(inputs.shape), inputs.dtype, inputs.device, torch.get_num_threads(), may_be_ours)
    if key not in _KNOWN:
        with sealed("layout"):
            _KNOWN[key] = _measured(model, inputs, within, _possible(inputs, may_be_ours))
    return _KNOWN[key]


def _is_imagelike(model: nn.Module, inputs: Any) -> bool:
    is_image = isinstance(inputs, Tensor) and inputs.dim() == 4
    return is_image and any(isinstance(module, nn.Conv2d) for module in model.modules())


def _measured(model: nn.Module, inputs: Tensor, within: Within, layouts: Iterable[Layout]) -> Layout:
    def way(layout: Layout) -> Callable[[], None]:
        twin = copy.deepcopy(model)
        layout.prepare(twin)
        return lambda: pass_through(twin, layout.given(inputs), within, layout.kernels())

    return quickest({layout: way(layout) for layout in layouts}) or PLAIN


def _possible(inputs: Tensor, may_be_ours: bool) -> Iterator[Layout]:
    for layout in LAYOUTS.values():
        if not layout.has_own_kernels or may_be_ours and inputs.device.type == "cpu" and has_kernels():
            yield layout

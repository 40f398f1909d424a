"""Dropout with masks from the stream ("dropout", study, seed, step, call): the same for all arms of a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from steepest.core.streams import generator
from steepest.kernels.dropped_attention import dropped_attention

KIND_OF: Mapping[Any, str] = {
    F.dropout: "dropout",
    torch.dropout: "dropout",
    F.dropout1d: "feature",
    F.dropout2d: "feature",
    F.dropout3d: "feature",
    torch.feature_dropout: "feature",
}
"""What is dropped: single numbers, or whole channels of a row."""
ATTEND: Any = F.scaled_dot_product_attention


def mask_shape(kind: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Of one model's tensor (N, C, *): one number per element, or per channel."""
    return tuple(shape) if kind == "dropout" else (*shape[:2], *[1] * (len(shape) - 2))


class StepMasks:
    """The masks of one training step for S seeds, made when they are first asked for."""

    def __init__(
        self, study_seed: int, seeds: Sequence[int], step: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        self.keys = [(study_seed, seed, step) for seed in seeds]
        self.dtype, self.device = dtype, device
        self._made: dict[int, Tensor] = {}

    def get(self, call: int, kind: str, shape: Sequence[int], p: float) -> Tensor:
        """(S, *mask_shape): 0 where dropped, 1 / (1 - p) where kept. call counts the dropouts of one forward pass."""
        if call not in self._made:
            self._made[call] = draw_masks([(*key, call) for key in self.keys], mask_shape(kind, shape), p).to(
                self.device, self.dtype
            )
        return self._made[call]


def draw_masks(keys: Sequence[tuple[int, ...]], shape: Sequence[int], p: float) -> Tensor:
    """One mask per key, stacked, float64: 0 with probability p, else 1 / (1 - p)."""
    uniform = torch.empty(len(keys), *shape, dtype=torch.float32)
    for row, key in zip(uniform, keys):
        row.uniform_(generator=generator("dropout", *key))
    return (uniform >= p).double() * (1.0 / (1.0 - p) if p < 1 else 0.0)


class FixedDropout(TorchFunctionMode):
    """Inside, torch's dropouts multiply by `next_mask(kind, shape, p)` and draw nothing from the global generator."""

    def __init__(self, next_mask: Callable[[str, Sequence[int], float], Tensor]) -> None:
        super().__init__()
        self.next_mask = next_mask

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kind, options = KIND_OF.get(func), kwargs or {}
        if kind is not None:
            return self._drop(kind, *args, **options)
        if func is F.scaled_dot_product_attention:
            return self._attend(*args, **options)
        if func is F.multi_head_attention_forward:
            with self._within():
                return func(*args, **options)
        return func(*args, **options)

    @contextmanager
    def _within(self) -> Iterator[None]:
        """For functions of torch that call dropouts themselves, out of the mode's sight."""
        functions: Any = F
        known = functions.dropout, functions.scaled_dot_product_attention
        functions.dropout = lambda *args, **options: self._drop("dropout", *args, **options)
        functions.scaled_dot_product_attention = self._attend
        try:
            yield
        finally:
            functions.dropout, functions.scaled_dot_product_attention = known

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **options: Any,
    ) -> Tensor:
        if dropout_p == 0:
            return ATTEND(query, key, value, attn_mask, 0.0, is_causal, **options)
        return dropped_attention(
            lambda shares: shares * self.next_mask("dropout", shares.shape, dropout_p),
            query, key, value, attn_mask, is_causal, **options,
        )  # fmt: skip

    def _drop(
        self,
        kind: str,
        input: Tensor,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
        train: bool | None = None,
    ) -> Tensor:
        is_active = training if train is None else train
        if not is_active or p == 0:
            return input
        return input * self.next_mask(kind, input.shape, p)


class Recorder:
    """Stands in for masks in a trial run and remembers which are asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[int, ...], float]] = []

    def __call__(self, kind: str, shape: Sequence[int], p: float) -> Tensor:
        self.calls.append((kind, tuple(shape), p))
        return torch.ones(())


class MasksInOrder:
    """Hands out the masks of a forward pass one after another."""

    def __init__(self, masks: Sequence[Tensor]) -> None:
        self.rest = iter(masks)

    def __call__(self, kind: str, shape: Sequence[int], p: float) -> Tensor:
        return next(self.rest)

"""The engine that takes any model: one trial after another, each a module that lives in its trial's row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from steepest.core.sealed import sealed
from steepest.kernels.images import FasterImages

from .block import Block
from .dropout import FixedDropout, StepMasks


class LoopEngine:
    """has_dropout: masks come from the stream. has_noise: other random numbers are drawn, under seal at each step.

    images: how they pass: "kernels" (ours), "channels_last", or "plain", as they are.
    """

    name = "loop"
    runs_one_by_one = True

    def __init__(self, has_dropout: bool, has_noise: bool, images: str) -> None:
        self.has_dropout, self.has_noise, self.images = has_dropout, has_noise, images

    def forward(self, block: Block, x: Tensor, masks: StepMasks) -> Tensor:
        if self.has_noise:
            with sealed("noise", *masks.keys[block.seed_row or 0]):
                return self._forward(block, x, masks)
        return self._forward(block, x, masks)

    def _forward(self, block: Block, x: Tensor, masks: StepMasks) -> Tensor:
        assert block.module is not None and block.seed_row is not None
        if not self.has_dropout:
            return self._pass(block.module.train(), x[block.seed_row])
        with FixedDropout(_Own(masks, block.seed_row)):
            return self._pass(block.module.train(), x[block.seed_row])

    def judge(self, block: Block, x: Tensor) -> Tensor:
        assert block.module is not None
        return self._pass(block.module.eval(), x[block.seed_row])

    def _pass(self, module: nn.Module, rows: Tensor) -> Tensor:
        """rows (N, *) of one trial -> (1, N, *)."""
        if self.images == "kernels":
            with FasterImages():
                return module(rows).unsqueeze(0)
        if self.images == "channels_last" and rows.dim() == 4:
            # a copy: `contiguous` leaves one channel as it is, which convolutions take for the other format, 9.3 -> 6.9 ms
            rows = rows.clone(memory_format=torch.channels_last)
        return module(rows).unsqueeze(0)


class _Own:
    """The masks of one seed in the order of the calls."""

    def __init__(self, masks: StepMasks, seed_row: int) -> None:
        self.masks, self.seed_row, self.n_calls = masks, seed_row, 0

    def __call__(self, kind: str, shape: Sequence[int], p: float) -> Tensor:
        mask = self.masks.get(self.n_calls, kind, shape, p)[self.seed_row]
        self.n_calls += 1
        return mask


def has_images(model: nn.Module) -> bool:
    kinds = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    return any(isinstance(m, kinds) for m in model.modules())

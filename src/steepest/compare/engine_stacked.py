"""The engine of known layers: one program of stacked forms runs all trials at once."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from steepest.kernels.stacked_program import Program, read_program

from .block import Block
from .dropout import StepMasks


class StackedEngine:
    """Forward passes of whole blocks. Raises NotStackable when the model holds something without a stacked form."""

    name = "stacked"
    runs_one_by_one = False

    def __init__(self, template: nn.Module) -> None:
        self.training, self.judging = read_program(template, True), read_program(template, False)

    def forward(self, block: Block, x: Tensor, masks: StepMasks) -> Tensor:
        return self._run(self.training, block, x, masks)

    def judge(self, block: Block, x: Tensor) -> Tensor:
        return self._run(self.judging, block, x, None)

    def _run(self, program: Program, block: Block, x: Tensor, masks: StepMasks | None) -> Tensor:
        return program(_Pass(block, masks), block.of_trials(x))


class _Pass:
    """One forward pass of one block."""

    def __init__(self, block: Block, masks: StepMasks | None) -> None:
        self.block, self.masks, self.is_training = block, masks, masks is not None
        self.tensors: Mapping[str, Tensor] = block.tensors
        self.n_drops = 0

    def drop(self, kind: str, x: Tensor, p: float) -> Tensor:
        assert self.masks is not None
        mask = self.masks.get(self.n_drops, kind, x.shape[1:], p)
        self.n_drops += 1
        return x * self.block.of_trials(mask)

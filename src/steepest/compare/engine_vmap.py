"""The engine for models without stacked forms: torch.func.vmap over the trials, ordinary autograd for the gradients."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from steepest.core.sealed import sealed
from steepest.core.trees import Tree

from .block import Block
from .dropout import FixedDropout, MasksInOrder, Recorder, StepMasks


class VmapEngine:
    """One call of torch.func.functional_call under vmap for a whole block."""

    name = "vmap"
    runs_one_by_one = False

    def __init__(self, template: nn.Module) -> None:
        self.training, self.judging = copy.deepcopy(template).train(), copy.deepcopy(template).eval()
        self._calls: dict[torch.Size, list[tuple[str, tuple[int, ...], float]]] = {}

    def forward(self, block: Block, x: Tensor, masks: StepMasks) -> Tensor:
        calls = self._calls_of(x[0])
        own = [block.of_trials(masks.get(i, *call)) for i, call in enumerate(calls)]
        return self._run(self.training, block, x, own)

    def judge(self, block: Block, x: Tensor) -> Tensor:
        return self._run(self.judging, block, x, [])

    def _run(self, model: nn.Module, block: Block, x: Tensor, masks: list[Tensor]) -> Tensor:
        def one(parameters: Tree, others: Tree, x: Tensor, masks: list[Tensor]) -> Tensor:
            if not masks:
                return torch.func.functional_call(model, (parameters, others), (x,))
            with FixedDropout(MasksInOrder(masks)):
                return torch.func.functional_call(model, (parameters, others), (x,))

        shared = block.seed_row is not None
        rows = x[block.seed_row] if shared else block.of_trials(x)
        others = {**block.fixed, **block.buffers}
        with _plain_attention():
            return torch.vmap(one, in_dims=(0, 0, None if shared else 0, 0))(block.parameters, others, rows, masks)

    def _calls_of(self, x: Tensor) -> list[tuple[str, tuple[int, ...], float]]:
        """The dropouts of a forward pass of this shape, found by a pass of a copy."""
        if x.shape not in self._calls:
            recorder = Recorder()
            with sealed("look", 0), torch.no_grad(), FixedDropout(recorder):
                copy.deepcopy(self.training)(x)
            self._calls[x.shape] = recorder.calls
        return self._calls[x.shape]


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention in matrix products, which vmap can batch, not in the fused kernels, which it cannot."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


def missing_rule(error: Exception) -> str:
    """The first line of an error, which names the operation that vmap cannot batch."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

"""The parameters of a run, whole in this process or in shards: their gradients, their length, their running mean."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, distributed, nn

from .shards import is_sharded, own, sharded_modules


class Weights:
    """What the optimizer moves. average: by the decay of ema, [] where none is kept."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, ema: float | None) -> None:
        self._gathered = sharded_modules(model)
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.are_sharded = any(is_sharded(p) for p in self.parameters)
        self._ema = ema
        self.average: list[Tensor] = [] if ema is None else [p.detach().clone() for p in self.parameters]

    def mean_over(self, n_processes: int) -> None:
        """Gradients of shards are means over the processes: fully_shard's own way, unless it was told another."""
        for module in self._gathered:
            module.set_gradient_divide_factor(float(n_processes))

    def sum_next(self, is_wanted: bool) -> None:
        """Whether the next backward pass sums shards over the processes, or keeps what it finds until one does."""
        for module in self._gathered:
            module.set_requires_gradient_sync(is_wanted, recurse=False)

    def reshard(self) -> None:
        """Layers that were gathered are let go, so that changed weights are seen."""
        for module in self._gathered:
            module.reshard()

    def divide_gradients(self, divisor: Tensor, n_processes: int) -> None:
        """Sums over the processes by a number; those of shards come as their mean."""
        for are_shards in (True, False) if self.are_sharded else (False,):
            gradients = [own(p.grad) for p in self.parameters if p.grad is not None and is_sharded(p) == are_shards]
            if gradients:
                torch._foreach_div_(gradients, divisor / n_processes if are_shards else divisor)

    def clip(self, most: float) -> None:
        """Shorten the gradient of all parameters together to a length."""
        if not self.are_sharded:
            nn.utils.clip_grad_norm_(self.parameters, most)
            return
        graded = [p for p in self.parameters if p.grad is not None]
        shards, rest = ([own(p.grad) for p in graded if is_sharded(p) == there] for there in (True, False))
        squares = nn.utils.get_total_norm(shards).square()
        distributed.all_reduce(squares)
        if rest:
            squares += nn.utils.get_total_norm(rest).square()
        torch._foreach_mul_([*shards, *rest], (most / (squares.sqrt() + 1e-6)).clamp(max=1.0))

    def follow(self) -> None:
        """The running mean after a step."""
        if self._ema is not None:
            torch._foreach_lerp_(_own(self.average), _own(self.parameters), 1 - self._ema)

    def swap_average(self) -> None:
        """The running mean is in the model, and the weights that it learns at where the mean was; or back."""
        for parameter, average in zip(_own(self.parameters), _own(self.average)):
            before = parameter.clone()
            parameter.copy_(average)
            average.copy_(before)


def _own(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [own(tensor) for tensor in tensors]

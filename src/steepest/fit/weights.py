"""The parameters of a run, whole in this process or in shards: their gradients, their length, their running mean."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, distributed, nn

from .ranks import Ranks
from .shards import is_sharded, own, sharded_modules
from .sums import Sums, sum_behind


class Weights:
    """What the optimizer moves. average: by the decay of ema, [] where none is kept."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, ema: float | None) -> None:
        self._gathered = sharded_modules(model)
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.are_sharded = any(is_sharded(p) for p in self.parameters)
        self._ema, self._ranks = ema, Ranks()
        self._sums: Sums | None = None
        self.average: list[Tensor] = [] if ema is None else [p.detach().clone() for p in self.parameters]

    def join(self, ranks: Ranks) -> None:
        """Gradients of shards are means over the processes: fully_shard's own way, unless it was told another."""
        self._ranks = ranks
        for module in self._gathered:
            module.set_gradient_divide_factor(float(ranks.size))
        if ranks.size > 1:
            self._sums = Sums([p for p in self.parameters if not is_sharded(p)])

    def sum_next(self, is_wanted: bool) -> None:
        """Whether the next backward pass sums over the processes, or keeps what it finds until one does."""
        for module in self._gathered:
            module.set_requires_gradient_sync(is_wanted, recurse=False)
        if self._sums is not None and is_wanted:
            self._sums.begin()

    def sum_up(self, top: Tensor, bottom: Tensor) -> tuple[Tensor, Tensor]:
        """Both summed over the processes, and so are the gradients."""
        if self._sums is None:
            return top, bottom
        self._sums.send_rest()
        wishes = torch.stack([top.double(), bottom.double(), torch.full_like(top.double(), self._sums.are_late)])
        top, bottom, are_late = self._ranks.summed(wishes).unbind()
        self._sums.finish(are_kept=not are_late)
        if are_late:
            sum_behind([p for p in self.parameters if not is_sharded(p)])
        return top, bottom

    def close(self) -> None:
        """The model is the user's again."""
        self.reshard()
        if self._sums is not None:
            self._sums.close()

    def reshard(self) -> None:
        """Layers that were gathered are let go, so that changed weights are seen."""
        for module in self._gathered:
            module.reshard()

    def divide_gradients(self, divisor: Tensor) -> None:
        """Sums over the processes by a number; those of shards come as their mean."""
        for are_shards in (True, False) if self.are_sharded else (False,):
            gradients = [own(p.grad) for p in self.parameters if p.grad is not None and is_sharded(p) == are_shards]
            if gradients:
                torch._foreach_div_(gradients, divisor / self._ranks.size if are_shards else divisor)

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

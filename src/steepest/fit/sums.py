"""Gradients summed over the processes while the backward pass goes on: a bucket travels as soon as it is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

BUCKET_NUMBERS = 6 * 2**20
"""Gradients that travel together: 24 MB in float32."""


class Sums:
    """Of parameters that every process holds whole. Buckets travel in one order in all processes, last layers first.

    With each gradient travels whether there is one: a process may have no rows, or a parameter no part in the loss.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._buckets = list(_buckets([p for p in reversed(parameters) if p.requires_grad]))
        self._place = {p: place for place, bucket in enumerate(self._buckets) for p in bucket}
        self._hooks = [p.register_post_accumulate_grad_hook(self._is_there) for p in self._place]
        self._sent: list[tuple[Any, Tensor]] = []
        self._missing: list[set[nn.Parameter]] = []
        self.are_late = False
        """A gradient changed after it had travelled (checkpoint(..., use_reentrant=True) of a shared layer)."""

    def begin(self) -> None:
        """The next backward pass is the last one before `finish`."""
        self._missing = [set(bucket) for bucket in self._buckets]

    def _is_there(self, parameter: Any) -> None:
        if not self._missing:
            return
        place = self._place[parameter]
        self.are_late |= place < len(self._sent)
        self._missing[place].discard(parameter)
        while len(self._sent) < len(self._buckets) and not self._missing[len(self._sent)]:
            self._send()

    def _send(self) -> None:
        bucket = self._buckets[len(self._sent)]
        there = bucket[0].new_tensor([float(p.grad is not None) for p in bucket])
        parts = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in bucket]
        flat = torch.cat([*parts, there])
        self._sent.append((distributed.all_reduce(flat, async_op=True), flat))

    def send_rest(self) -> None:
        """What the backward pass has not sent, as where there was none."""
        while len(self._sent) < len(self._buckets):
            self._send()

    def finish(self, are_kept: bool) -> None:
        """The sums are in the gradients, None where no process has one; where they are not kept nothing changes."""
        for bucket, (work, flat) in zip(self._buckets, self._sent):
            work.wait()
            *parts, there = flat.split([*(p.numel() for p in bucket), len(bucket)])
            for parameter, part, n in zip(bucket, parts, there.tolist() if are_kept else ()):
                if n > 0:
                    _gradient(parameter).copy_(part.view_as(parameter))
        self._sent, self._missing, self.are_late = [], [], False

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()


def sum_behind(parameters: Sequence[nn.Parameter]) -> None:
    """The same after the backward pass, all at once."""
    sums = Sums(parameters)
    sums.send_rest()
    sums.finish(are_kept=True)
    sums.close()


def _gradient(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _buckets(parameters: Sequence[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Of one dtype and device each, about BUCKET_NUMBERS numbers."""
    bucket: list[nn.Parameter] = []
    for parameter in parameters:
        is_full = sum(p.numel() for p in bucket) + parameter.numel() > BUCKET_NUMBERS
        if bucket and (is_full or (bucket[0].dtype, bucket[0].device) != (parameter.dtype, parameter.device)):
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket

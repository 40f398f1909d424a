"""The batches of all seeds at once: a stretch of equal steps is gathered in one go, then each step is a view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from steepest.core.loss import Loss
from steepest.data.standardise import Scale

from .task import Task

STRETCH_BYTES = 4 * 2**20
"""Rows gathered at once: enough that the gathering costs nothing per step, little enough to stay in the cache."""
MOST_STEPS = 32
"""In a stretch, whose dropout masks are kept until all teams have used them."""


@dataclass(frozen=True)
class Stretch:
    """n steps of equal batch size B. x (n, S, B, *) standardised; rows (n, S, B): row numbers of the data."""

    first_step: int
    x: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.x)


class Batches:
    """The batches that S seeds read, in the order of their own streams."""

    def __init__(self, task: Task, seeds: Sequence[int]) -> None:
        self.task, self.seeds = task, list(seeds)
        scales = [task.scales(seed)[0] for seed in seeds]
        axes = [1] * (task.x.dim() - scales[0].mean.dim())
        self.mean = torch.stack([s.mean for s in scales]).reshape(len(seeds), *axes, *scales[0].mean.shape)
        self.spread = torch.stack([s.spread for s in scales]).reshape(self.mean.shape)
        self._encoded: dict[str, Tensor] = {}
        self._epoch, self._order = -1, torch.empty(0)

    def stretches(self, first_step: int, n_steps: int) -> Iterator[Stretch]:
        """Steps first_step ... first_step + n_steps - 1; never across the end of an epoch."""
        step, end = first_step, first_step + n_steps
        while step < end:
            epoch, start = divmod(step, self.task.steps_per_epoch)
            sizes = self.task.batch_sizes
            longest = max(1, STRETCH_BYTES // self._bytes_per_step(sizes[start]))
            stop = start + 1
            while (
                stop < len(sizes)
                and sizes[stop] == sizes[start]
                and stop - start < min(longest, MOST_STEPS, end - step)
            ):
                stop += 1
            yield self._gather(step, epoch, sum(sizes[:start]), stop - start, sizes[start])
            step += stop - start

    def _bytes_per_step(self, batch: int) -> int:
        return len(self.seeds) * batch * self.task.x[0].numel() * self.task.x.element_size()

    def _gather(self, step: int, epoch: int, first_row: int, n_steps: int, batch: int) -> Stretch:
        rows = self._order_of(epoch)[:, first_row : first_row + n_steps * batch]
        rows = rows.reshape(len(self.seeds), n_steps, batch).transpose(0, 1).contiguous()
        x = self.task.x.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        return Stretch(step, x if self.task.has_tokens else (x - self.mean) / self.spread, rows)

    def targets(self, stretch: Stretch, loss: Loss) -> Tensor:
        """(n, S, B, *): what the loss asks for of each row; regression targets standardised by their seed's scale.

        Where places have classes, B counts the places of all rows, but for losses of regions.
        """
        task, rows = self.task, stretch.rows
        if task.places is not None:
            labels = task.encode(loss, task.truth.index_select(0, rows.flatten()))
            return labels.reshape(*rows.shape[:2], -1, *labels.shape[1:])
        if task.data.task != "regression":
            key = "one number" if task.has_one_logit else loss.target.name
            if key not in self._encoded:
                self._encoded[key] = task.encode(loss, task.truth)
            return self._encoded[key].index_select(0, rows.flatten()).unflatten(0, rows.shape)
        numbers = task.truth.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        standard = torch.stack([self._y_scale(seed).apply(numbers[:, i]) for i, seed in enumerate(self.seeds)], 1)
        return standard.reshape(*rows.shape, *task.output_shape)

    def _y_scale(self, seed: int) -> Scale:
        scale = self.task.scales(seed)[1]
        assert scale is not None
        return scale

    def _order_of(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            order = torch.stack([self.task.order(seed, epoch) for seed in self.seeds])
            self._epoch, self._order = epoch, order.to(self.task.device)
        return self._order

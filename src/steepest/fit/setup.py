"""What a run is made of, and what of that is measured on its first batch unless its checkpoint says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from steepest.core.progress import Progress

from .batches import Batch, Given, Rows
from .callbacks import Callback
from .layout import LAYOUTS, PLAIN, Layout, fastest, layout_named
from .objective import Objective
from .quickest import Within
from .ranks import Ranks
from .threads import fastest_threads

Source = Rows | Given


@dataclass
class Setup:
    """All accepted. multipliers: of the learning rate, one per step; [] keeps it as it is.

    reduction: what the scores of the epochs so far multiply it by beside that.
    layout, threads: None until they are measured.
    """

    model: nn.Module
    objective: Objective
    optimizer: torch.optim.Optimizer
    train: Source
    validation: Source | None
    epochs: int
    multipliers: list[float]
    metrics: list[Any]
    threshold: float
    monitor: str
    best: str
    device: torch.device
    precision: torch.dtype
    accumulate: int
    clip_norm: float | None
    ema: float | None
    patience: int | None
    keep: str
    callbacks: list[Callback]
    folder: Path | None
    checkpoint_s: float
    seed: int
    progress: Progress
    layout: Layout | None
    threads: int | None
    keeps_threads: bool
    compiled: nn.Module | None
    config: dict[str, Any]
    reduction: Callable[[Sequence[float]], float] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def in_layout(self) -> Layout:
        """The layout; as long as it is not measured, the plain one."""
        return self.layout or PLAIN

    def take(self, layout: Layout | None, threads: int | None) -> None:
        """From here on with these; a checkpoint holds them."""
        if layout is not None:
            self.layout, self.config["memory_format"] = layout, layout.name
            layout.prepare(self.model)
        if threads is not None:
            self.threads = self.config["threads"] = threads
            if self.device.type == "cpu" and threads != torch.get_num_threads():
                torch.set_num_threads(threads)

    def follow(self, saved: Mapping[str, Any]) -> None:
        """What was not asked for by name is as it was before: other kernels and threads round otherwise."""
        name, threads = saved.get("memory_format"), saved.get("threads")
        layout = layout_named(name) if self.layout is None and name in LAYOUTS else None
        is_free = self.threads is None or self.keeps_threads
        self.take(layout, threads if is_free and isinstance(threads, int) else None)

    def measure(self, batch: Batch | None, ranks: Ranks, within: Within) -> None:
        """What nobody has said yet, from the first batch, by the first process for all."""
        layout, threads = self.layout, self.threads
        if ranks.is_first and batch is not None:
            layout = layout or fastest(self.model, batch.inputs, within, may_be_ours=self.compiled is None)
            threads = threads or fastest_threads(self.model, batch.inputs, layout, within)
        name, threads = ranks.from_first((None if layout is None else layout.name, threads))
        self.take(layout_named(name or PLAIN.name) if self.layout is None else None, threads)

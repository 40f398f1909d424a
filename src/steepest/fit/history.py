"""What a run leaves behind: one row per epoch, why it stopped, and what the numbers say about overfitting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from steepest.core.progress import duration

from .gap import Gap

Row = dict[str, Any]
MUCH = 10.0
"""Times the loss of the first epoch: no run that learns ends there."""


@dataclass
class History:
    """Rows of numbers, one per epoch: `history["val_accuracy"]` is a column, `history.rows[-1]` the last epoch.

    epoch counts from 1. loss: mean over the epoch's training rows, each as the model was when it saw it; val_*:
    after the epoch.
    stopped: "finished", "early", "interrupted" or "diverged". best_epoch: the row that the monitored number is best in.
    memory_format, threads: what the run had, asked for or measured; to be named where another run must repeat its bits.
    model: what was trained, which has no other name where fit built it.
    """

    rows: list[Row] = field(default_factory=list)
    stopped: str = ""
    monitor: str = ""
    best_epoch: int | None = None
    holds: str = "last"
    seconds: float = 0.0
    gap: Gap | None = None
    notes: list[str] = field(default_factory=list)
    memory_format: str = ""
    threads: int | None = None
    model: Any = None

    def __getitem__(self, name: str) -> list[Any]:
        """A column; None where an epoch lacks the number."""
        if not any(name in row for row in self.rows):
            raise KeyError(f"no epoch has {name!r}; there are {', '.join(self.columns) or 'no epochs'}")
        return [row.get(name) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def to_frame(self) -> Any:
        """A pandas DataFrame, one row per epoch."""
        import pandas

        return pandas.DataFrame(self.rows)

    def __repr__(self) -> str:
        if not self.rows:
            return f"<History: no epoch{', ' + self.stopped if self.stopped else ''}>"
        names = [name for name in self.columns if name != "seconds"]
        lines = ["  ".join(f"{name:>12}" for name in names)]
        lines += ["  ".join(f"{_cell(row.get(name)):>12}" for name in names) for row in self._shown()]
        epochs = "1 epoch" if len(self.rows) == 1 else f"{len(self.rows)} epochs"
        end = f"{self.stopped or 'running'} after {epochs}, {self.seconds:.1f} s"
        if self.best_epoch is not None:
            end += f"; best {self.monitor} in epoch {self.best_epoch}; the model holds the {self.holds} weights"
        gap = [self.gap.sentence] if self.gap else []
        return "\n".join([*lines, end, *gap, *([self.rise] if self.rise else []), *self.notes])

    @property
    def rise(self) -> str:
        """What is said where the loss ends far above where it began: the run came apart without becoming NaN."""
        losses = [row["loss"] for row in self.rows if row.get("loss") is not None]
        if len(losses) < 2 or not losses[0] > 0 or not losses[-1] > MUCH * losses[0]:
            return ""
        told = f"The loss rose from {losses[0]:.3g} to {losses[-1]:.3g}: it diverged"
        return f"{told}; take a lower learning rate, or clip_norm=1."

    def _shown(self) -> list[Row]:
        """All rows of a short run; the first and the last ones of a long run."""
        return self.rows if len(self.rows) <= 20 else [*self.rows[:5], {}, *self.rows[-10:]]


def _cell(value: Any) -> str:
    return "..." if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)


def line_of(row: Row, epochs: int) -> str:
    """An epoch in a line."""
    shown = [f"{name} {value:.4g}" for name, value in row.items() if name not in ("epoch", "learning_rate", "seconds")]
    return f"epoch {row['epoch']} of {epochs}: {', '.join(shown)} ({duration(row['seconds'])})"

"""What a model may know about the data before it sees them: sizes, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Facts:
    """Sizes of inputs and outputs, by the names under which a model's signature may ask for them.

    shape: of one sample, without the batch axis. n_outputs: n_classes, or the number of target columns. n_classes:
    None in regression; the number of labels where a sample may bear several.
    """

    n_features: int
    n_outputs: int
    shape: tuple[int, ...]
    n_classes: int | None = None

    @staticmethod
    def of(data: Any) -> Facts:
        """The facts of a `steepest.data.Data` (or of anything with x, y and n_classes)."""
        shape = tuple(data.x.shape[1:])
        n_features = 1
        for size in shape:
            n_features *= size
        n_targets = data.y.shape[1] if data.y.dim() > 1 else 1
        n_classes = n_targets if getattr(data, "task", "") == "multilabel" else data.n_classes
        return Facts(n_features, n_classes or n_targets, shape, n_classes)

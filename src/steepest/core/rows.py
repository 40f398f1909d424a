"""Rows: predictions and targets as they came, for the metrics that need them all and for whatever is resampled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from .errors import MetricError


@dataclass(frozen=True, eq=False)
class Rows:
    """N samples of one model or of stacked ones; `a + b` has the samples of both.

    prediction (*lead, N, *); target (*lead, N, *) and weight (*lead, N), whose lead may be ones: the same for all models.
    n_lead: how many axes come before the samples. facts: plain values that say how the rows are counted.
    """

    prediction: Tensor
    target: Tensor
    weight: Tensor | None
    n_lead: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.prediction.shape[self.n_lead]

    def __add__(self, other: Rows) -> Rows:
        if not isinstance(other, Rows):
            return NotImplemented
        if (self.n_lead, dict(self.facts)) != (other.n_lead, dict(other.facts)):
            raise MetricError(
                where="rows",
                seen=f"{dict(self.facts)} with {self.n_lead} model axes and {dict(other.facts)} with {other.n_lead}",
                needed="rows that were made in the same way were needed",
                repair="Give both calls the same options.",
            )
        device = self.prediction.device
        weight = None
        if self.weight is not None or other.weight is not None:
            weight = self._joined(*(r._full_weight().to(device) for r in (self, other)))
        return replace(
            self,
            prediction=self._joined(self.prediction, other.prediction.to(device)),
            target=self._joined(self.target, other.target.to(device)),
            weight=weight,
        )

    def __radd__(self, other: object) -> Rows:
        """sum() starts at 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def _joined(self, a: Tensor, b: Tensor) -> Tensor:
        lead = torch.broadcast_shapes(a.shape[: self.n_lead], b.shape[: self.n_lead])
        return torch.cat([t.expand(*lead, *t.shape[self.n_lead :]) for t in (a, b)], self.n_lead)

    def _full_weight(self) -> Tensor:
        if self.weight is not None:
            return self.weight
        ones = torch.ones((), dtype=torch.float64, device=self.prediction.device)
        return ones.expand(*(1,) * self.n_lead, len(self))

    def take(self, index: Tensor) -> Rows:
        """The samples at these places, or where a mask (N,) is true."""
        index = index.to(self.prediction.device)
        if index.dtype == torch.bool:
            index = index.nonzero().squeeze(-1)
        return self._each(lambda t: t.index_select(self.n_lead, index))

    def blocks(self, index: Tensor) -> Rows:
        """The samples in blocks, one more axis of models: index (G, b), -1 where a block has no more samples."""
        index = index.to(self.prediction.device)
        is_rest = bool((index < 0).any())
        rows = self if not is_rest or self.weight is not None else replace(self, weight=self._full_weight())
        made = rows._each(
            lambda t: t.index_select(self.n_lead, index.clamp(min=0).reshape(-1)).unflatten(self.n_lead, index.shape)
        )
        if is_rest:
            assert made.weight is not None
            made = replace(made, weight=torch.where(index >= 0, made.weight, 0.0))
        return replace(made, n_lead=self.n_lead + 1)

    def times(self, counts: Tensor) -> Rows:
        """One more axis of models in front, R of them: the same rows, weighted by counts (R, N)."""
        counts = counts.to(self.prediction.device, torch.float64)
        weight = counts.reshape(len(counts), *(1,) * self.n_lead, len(self))
        if self.weight is not None:
            weight = weight * self.weight
        made = self._each(lambda t: t.unsqueeze(0))
        return replace(made, weight=weight, n_lead=self.n_lead + 1)

    def to(self, device: Any) -> Rows:
        return self._each(lambda t: t.to(device))

    def _each(self, change: Any) -> Rows:
        weight = None if self.weight is None else change(self.weight)
        return replace(self, prediction=change(self.prediction), target=change(self.target), weight=weight)

    def tensors(self) -> dict[str, Tensor]:
        """All of it as tensors by name, for a checkpoint; `from_tensors` gives the rows back."""
        plain = json.dumps({"n_lead": self.n_lead, "facts": dict(self.facts)}).encode()
        found = {
            "prediction": self.prediction,
            "target": self.target,
            "said": torch.tensor(list(plain), dtype=torch.uint8),
        }
        return found if self.weight is None else {**found, "weight": self.weight}

    @staticmethod
    def from_tensors(found: Mapping[str, Tensor]) -> Rows:
        said = json.loads(bytes(found["said"].tolist()))
        return Rows(found["prediction"], found["target"], found.get("weight"), said["n_lead"], said["facts"])

    @property
    def n_effective(self) -> float:
        """How many samples of equal weight tell as much: (sum w)**2 / sum w**2, of the model with the fewest."""
        if self.weight is None:
            return float(len(self))
        total, squares = self.weight.sum(-1), self.weight.square().sum(-1)
        return float(torch.where(squares > 0, total.square() / squares, 0.0).min()) if total.numel() else 0.0


def with_lead(values: Tensor, n_lead: int, n_own: int) -> Tensor:
    """values with n_lead axes before its own ones, ones where it has none."""
    return values.reshape(*(1,) * (n_lead + n_own - values.dim()), *values.shape)

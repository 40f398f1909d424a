"""Metrics of a run: outputs of many batches are kept and counted at once.

So that a step pays next to nothing for them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from steepest import metrics as catalogue
from steepest.core.declare import Metric
from steepest.core.errors import MetricError, ShapeError
from steepest.core.rows import Rows

from .ranks import Ranks

KEPT_NUMBERS = 2**18
"""Outputs kept before they are counted: a call of a metric costs as much for one batch as for many."""


def as_metrics(asked: Any) -> list[Any]:
    """Metrics by name or item; and any object with update, compute and reset (torchmetrics')."""
    if asked is None:
        return []
    listed = [word.strip() for word in asked.split(",")] if isinstance(asked, str) else asked
    listed = list(listed) if isinstance(listed, Iterable) else [listed]
    return [_as_metric(one) for one in listed]


def _as_metric(one: Any) -> Any:
    if isinstance(one, str):
        return catalogue[one]
    if isinstance(one, Metric) or all(callable(getattr(one, name, None)) for name in ("update", "compute", "reset")):
        return one
    raise MetricError(
        where="metrics",
        seen=f"a {type(one).__name__}",
        needed="a name, a metric of steepest.metrics, or an object with update, compute and reset was needed",
        repair=f"Known: {', '.join(catalogue.names())}.",
    )


def name_of(metric: Any) -> str:
    return metric.name if isinstance(metric, Metric) else type(metric).__name__


def _counted(metric: Any) -> dict[str, Any] | None:
    """What a metric of torchmetrics holds; None of an object that does not tell (its epoch begins anew)."""
    held = getattr(metric, "metric_state", None)
    if not isinstance(held, Mapping):
        return None
    values = {name: list(value) if isinstance(value, list) else value for name, value in held.items()}
    return {"values": values, "n_updates": int(getattr(metric, "_update_count", 0))}


def _count_again(metric: Any, counted: dict[str, Any] | None, device: torch.device) -> None:
    if counted is None:
        return
    for name, value in counted["values"].items():
        setattr(metric, name, [v.to(device) for v in value] if isinstance(value, list) else value.to(device))
    metric._update_count, metric._computed = counted["n_updates"], None


class Judge:
    """The metrics of one part over one epoch. threshold: above which a single output means class 1."""

    def __init__(self, metrics: Sequence[Any], threshold: float = 0.0) -> None:
        self.metrics, self.threshold = list(metrics), threshold
        self._states: dict[str, Tensor | Rows] = {}
        self._kept: list[tuple[Tensor, Tensor, Tensor | None]] = []
        self._n_kept = 0
        for metric in self._foreign:
            metric.reset()

    @property
    def states(self) -> dict[str, Tensor]:
        """What was counted, as plain tensors: a metric that keeps its rows has several, "name.part"."""
        found: dict[str, Tensor] = {}
        for name, state in self._states.items():
            parts = (
                {f"{name}.{part}": tensor for part, tensor in state.tensors().items()}
                if isinstance(state, Rows)
                else {}
            )
            found |= parts if isinstance(state, Rows) else {name: state}
        return found

    def saved(self) -> dict[str, Any]:
        """For a checkpoint: outputs that wait are kept as they are, so that sums are cut at the same places afterwards."""
        return {"states": self.states, "kept": self._kept, "foreign": [_counted(metric) for metric in self._foreign]}

    def put_back(self, saved: Mapping[str, Any], device: torch.device) -> None:
        def there(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        self._put_states({name: tensor.to(device) for name, tensor in saved["states"].items()})
        self._kept = [(x.to(device), y.to(device), there(weight)) for x, y, weight in saved["kept"]]
        self._n_kept = sum(output.numel() for output, _, _ in self._kept)
        for metric, counted in zip(self._foreign, saved.get("foreign", ())):
            _count_again(metric, counted, device)

    def _put_states(self, found: Mapping[str, Tensor]) -> None:
        self._states = {}
        for name in dict.fromkeys(key.partition(".")[0] for key in found):
            parts = {key.partition(".")[2]: tensor for key, tensor in found.items() if key.partition(".")[0] == name}
            self._states[name] = found[name] if name in found else Rows.from_tensors(parts)

    @property
    def _foreign(self) -> list[Any]:
        return [metric for metric in self.metrics if not isinstance(metric, Metric)]

    def add(self, output: Any, target: Any, weight: Tensor | None = None) -> None:
        if not self.metrics:
            return
        if not isinstance(output, Tensor) or not isinstance(target, Tensor):
            raise MetricError(
                where=name_of(self.metrics[0]),
                seen=f"the model gives a {type(output).__name__} and the target is a {type(target).__name__}",
                needed="one tensor each was needed",
                repair="Leave metrics out, or compute them in a callback.",
            )
        self._kept.append((output.detach(), target, weight))
        self._n_kept += output.numel()
        if self._n_kept >= KEPT_NUMBERS:
            self.count()

    def count(self) -> None:
        """Move what is kept into the states."""
        if not self._kept:
            return
        outputs, targets, weights = zip(*self._kept)
        output, target = torch.cat(outputs), torch.cat(targets)
        weight = None if weights[0] is None else torch.cat(weights)
        self._kept, self._n_kept = [], 0
        for metric in self.metrics:
            if not isinstance(metric, Metric):
                metric.update(output, target)
                continue
            state = metric.state(*self._readable(metric, output, target, weight), **self._said(metric))
            before = self._states.get(metric.name)
            self._states[metric.name] = state if before is None else before + state

    def over(self, ranks: Ranks) -> Judge:
        """What all processes counted together; itself where there is one."""
        self.count()
        if ranks.size == 1:
            return self
        together = copy.copy(self)  # torchmetrics' objects stay the same: they gather by themselves
        together._states = {}
        for states in ranks.gathered(self._states):
            for name, state in states.items():
                before = together._states.get(name)
                together._states[name] = state if before is None else before + state
        return together

    def values(self) -> dict[str, float]:
        self.count()
        found = {}
        for metric in self.metrics:
            if not isinstance(metric, Metric):
                found[name_of(metric)] = float(metric.compute())
            elif metric.name in self._states:
                found[metric.name] = float(metric.value(self._states[metric.name]))
        return found

    def _said(self, metric: Metric) -> dict[str, Any]:
        """What a metric must be told of the outputs."""
        if metric.tally.reads == "label decisions":
            return {"threshold": self.threshold}
        return {"from_logits": self.threshold == 0} if metric.asks_from_logits else {}

    def _readable(
        self, metric: Metric, x: Tensor, y: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Output and target in the form that the metric takes."""
        if metric.task == "classification":
            return self._as_classes(metric, x, y, weight)
        if metric.task == "multilabel":
            return x, y, weight
        if x[0].numel() == 1 and y[0].numel() == 1:  # one number per row, (N,) or (N, 1)
            return x.reshape(len(x)), y.reshape(len(y)), weight
        if x.shape != y.shape:
            raise ShapeError(
                where=metric.name,
                seen=f"the model gives {tuple(x.shape)} and the target is {tuple(y.shape)}",
                needed="equal shapes were needed",
                repair=f"target.reshape({', '.join(map(str, x.shape))})"
                if x.numel() == y.numel()
                else "Does the last layer fit?",
            )
        return x, y, weight

    def _as_classes(
        self, metric: Metric, x: Tensor, y: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        if (
            x[0].numel() == 1 or x.shape == y.shape and y.dim() == 1
        ):  # one number per row: class 1 lies above the threshold
            score = x.reshape(len(x)) - self.threshold
            if metric.asks_from_logits:
                return x.reshape(len(x)), y.reshape(len(y)).long(), weight
            return torch.stack([torch.zeros_like(score), score], -1), y.reshape(len(y)).long(), weight
        if y.dim() == x.dim() and y.shape == x.shape:
            raise MetricError(
                where=metric.name,
                seen=f"targets of shape {tuple(y.shape)}, one number per class",
                needed="class indices were needed",
                repair="Targets of single labels: target.argmax(1).",
            )
        if x.dim() > 2:  # (N, C, *): a class for each place
            per_row = x[0, 0].numel()
            x = x.movedim(1, -1).reshape(-1, x.shape[1])
            weight = None if weight is None else weight.repeat_interleave(per_row)
        return x, y.reshape(-1).long(), weight

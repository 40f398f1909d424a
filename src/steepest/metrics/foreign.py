"""Metrics of others: an object with update, compute and reset, such as torchmetrics', wherever a metric of ours may stand."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from steepest import metrics as catalogue
from steepest.core.errors import MetricError
from steepest.core.metric import Metric
from steepest.core.rows import Rows, with_lead
from steepest.core.tally import Tally


def as_metric(asked: Any, *, task: str = "any", best: str | None = None) -> Metric:
    """A metric by name ("f1"), as it is, or around a foreign one with update, compute and reset.

    A foreign one is fed one model's rows at a time, on copies: its own state stays. best: "max" or "min", where it does
    not say itself (higher_is_better); task: what it is a metric of. How it reads scores is its own affair: torchmetrics
    guesses from the values of a batch whether they are logits.
    """
    if isinstance(asked, Metric):
        return asked
    if isinstance(asked, str):
        found: Metric = catalogue[asked]  # type: ignore[index]  # a Catalogue is a module and more
        return found
    if not all(callable(getattr(asked, name, None)) for name in ("update", "compute", "reset")):
        raise MetricError(
            where="metric",
            seen=f"a {type(asked).__name__}",
            needed="a name, a metric of steepest.metrics, or an object with update, compute and reset was needed",
            repair=f"Known: {', '.join(catalogue.names())}.",
        )
    return _around(asked, task, best or _direction(asked))


def _direction(foreign: Any) -> str:
    higher = getattr(foreign, "higher_is_better", None)
    if higher is None:
        raise MetricError(
            where=type(foreign).__name__,
            seen="it does not say whether higher is better",
            needed="the direction of the best value was needed",
            repair='as_metric(metric, best="max") or best="min".',
        )
    return "max" if higher else "min"


def _around(foreign: Any, task: str, best: str) -> Metric:
    def value(state: Rows) -> Tensor:
        return _values(foreign, state)

    value.__name__ = type(foreign).__name__
    value.__doc__ = (type(foreign).__doc__ or "A metric of others.").strip().split("\n")[0]
    return Metric(
        value,
        counts=Tally(_any_rows, reads="anything"),
        task=task,
        best="max" if best == "max" else "min",
        unit="",
        use=f"What {type(foreign).__module__.partition('.')[0]} computes.",
        source=type(foreign).__module__,
    )


def _any_rows(prediction: Tensor, target: Tensor, weight: Tensor | None = None, *, n_models: int = 0) -> Rows:
    """Rows as they come, of one model; with n_models=K of K models (K, N, ...), and targets of all or of each."""
    if weight is not None:
        raise MetricError(
            where="metric",
            seen="weights for a metric of others",
            needed="rows that count alike were needed",
            repair="A metric of steepest.metrics takes weights.",
        )
    prediction, target = prediction.detach(), target.detach().to(prediction.device)
    if not n_models:
        return Rows(prediction, target, None, 0)
    n_own = (
        target.dim() if target.shape[0] != n_models or target.shape[:2] != prediction.shape[:2] else target.dim() - 1
    )
    return Rows(prediction, with_lead(target, 1, n_own), None, 1)


def _values(foreign: Any, rows: Rows) -> Tensor:
    weight = rows.weight
    lead = rows.prediction.shape[: rows.n_lead]
    if weight is not None:  # how often each row was drawn for an interval
        lead = torch.broadcast_shapes(lead, weight.shape[:-1])
        weight = weight.long().expand(*lead, len(rows)).reshape(lead.numel(), len(rows))
    prediction, target = (
        values.expand(*lead, *values.shape[rows.n_lead :]).reshape(lead.numel(), *values.shape[rows.n_lead :])
        for values in (rows.prediction, rows.target)
    )
    found = []
    for k in range(lead.numel()):
        own = copy.deepcopy(foreign)
        own.reset()
        taken = slice(None) if weight is None else torch.arange(len(rows)).repeat_interleave(weight[k].cpu())
        own.update(prediction[k][taken], target[k][taken])
        found.append(torch.as_tensor(own.compute(), dtype=torch.float64))
    return torch.stack(found).reshape(torch.Size([*lead, *found[0].shape]))

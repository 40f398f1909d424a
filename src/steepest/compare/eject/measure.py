"""What a loss is given and how a model is scored, as lines of a script, as Task has it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Metric
from steepest.core.errors import Unsupported

from ..task import Task
from ..trial import Arm
from .bundle import Bundle


def refuse_places(task: Task) -> None:
    """Scripts are written for one target per row."""
    if getattr(task, "places", None) is not None or task.truth.dim() > 2:
        raise Unsupported(
            where="eject",
            seen=f"every row has targets of shape {tuple(task.truth.shape[1:])}: pixels, tokens or the like",
            needed="one class, one number, or one row of numbers or labels was needed",
            repair="Train the winner with steepest.fit; its settings are on the page.",
        )


def targets(arm: Arm, task: Task) -> str:
    """What the loss asks for of each row, as Task.encode makes it."""
    shape = "".join(f", {n}" for n in task.output_shape)
    if task.data.task == "regression":
        return f"y_scale.apply(y).reshape(len(y){shape})"
    if task.data.task == "multilabel" or task.has_one_logit:
        return f"y.float().reshape(len(y){shape})"
    if arm.loss.target.name in ("classes", "own") or len(arm.terms) > 1:  # a sum makes of them what each loss asks for
        return "y"
    return f"torch.nn.functional.one_hot(y, {task.output_shape[0]}).float()"


def input_scale(task: Task) -> str:
    """The call that makes the scale of the inputs of the training rows."""
    if task.has_tokens:
        return "Scale.none(torch.float32)"
    return "Scale.per_feature(x[rows])" if task.x.dim() <= 2 else "Scale.overall(x[rows])"


def scoring(task: Task, bundle: Bundle) -> list[str]:
    """Lines that return the metric of output and truth, both as the model and the study have them."""
    lines = []
    if task.data.task == "regression":
        lines.append("output = y_scale.undo(output.reshape(truth.shape))")
    elif task.has_one_logit:
        lines.append("output = torch.stack([torch.zeros_like(output.flatten()), output.flatten()], 1)")
    for last in _forms(task.metric):
        if _is_the_metric(task, last):
            if "score_of(" in last:
                twin = (task.metric.equals or "").rpartition(".")[2]
                bundle.imports[f"from sklearn.metrics import {twin} as score_of"] = None
            return [*lines, last]
    raise Unsupported(
        where=task.metric.name,
        seen="no plain form of this metric is known",
        needed="a metric that scikit-learn computes from classes, probabilities or numbers was needed",
        repair="accuracy and mean_squared_error can always be written.",
    )


def _forms(metric: Metric) -> list[str]:
    """Lines that may give the metric; which of them does is tried."""
    found = [
        "return (output.argmax(1) == truth).double().mean().item()",
        "return (output.double() - truth.double()).square().mean().item()",
    ]
    if metric.equals and metric.equals.startswith("sklearn.metrics."):
        words = "".join(f", {n}={v!r}" for n, v in metric.equals_with.items())
        odds = "output.double().softmax(1)"
        for form in ("output.argmax(1)", odds, f"{odds}[:, 1]", "output", "output > 0", "output.double().sigmoid()"):
            found.append(f"return float(score_of(truth, {form}{words}))")
        found.append(f"return float(score_of(truth.double(), output.double(){words}))")
    return found


def _is_the_metric(task: Task, line: str) -> bool:
    """Whether the line gives what the metric gives, on made-up rows."""
    known: dict[str, Any] = {"torch": torch}
    if task.metric.equals:
        module, _, name = task.metric.equals.rpartition(".")
        known["score_of"] = getattr(import_module(module), name, None)
    exec(f"def score(output, truth):\n    {line}", known)
    said: dict[str, Any] = {"from_logits": True} if task.metric.asks_from_logits else {}
    if task.data.task == "multilabel" and "threshold" in task.metric.options:
        said["threshold"] = 0.0
    for seed in (0, 1):
        output, truth = _made_up(task, seed)
        wanted = float(task.metric(output, truth, **said))
        try:
            found = known["score"](output, truth)
        except Exception:  # a form that does not take such numbers is no form of this metric
            return False
        if not abs(found - wanted) < 1e-9 * max(1.0, abs(wanted)):
            return False
    return True


def _made_up(task: Task, seed: int) -> tuple[Tensor, Tensor]:
    """Outputs in the form that metrics take, and targets in which classes differ in frequency."""
    g = torch.Generator().manual_seed(seed)
    if task.data.task == "multilabel":
        labels = (torch.rand(60, task.truth.shape[1], generator=g) < 0.3).long()
        return torch.randn(labels.shape, generator=g), labels
    if task.is_classification:
        n = int(task.data.n_classes or 0)
        skewed = (torch.rand(6 * n + 40, generator=g).square() * n).long()
        truth = torch.cat([torch.arange(n), skewed])
        return torch.randn(len(truth), n, generator=g), truth
    truth = torch.randn(60, *task.truth.shape[1:], generator=g).exp()  # deviances want what is above 0
    return truth * torch.randn(truth.shape, generator=g).exp(), truth

"""Evaluate: how good a model is, with an interval at every number, where it fails, and what its probabilities mean."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from .against import Comparison
from .answers import Answers
from .ask import Asked, asked_of, is_shuffled, slices_of
from .calibration import calibration
from .curves import class_curves
from .evaluation import Evaluation
from .numbers import classes, confused, confusion, numbers
from .record import Findings
from .residuals import residuals
from .samples import costly, suspects
from .slices import slices as sliced
from .threshold import threshold as chosen_threshold

__all__ = ["Comparison", "Evaluation", "evaluate"]


def evaluate(
    model: Any,
    data: Any,
    *,
    metrics: Any = None,
    loss: Any = None,
    from_logits: bool | None = None,
    task: str | None = None,
    slices: Any = None,
    threshold: str | None = "f1",
    held_out: Any = None,
    class_names: Any = None,
    ignore_index: int | None = None,
    level: float = 0.95,
    batch_size: int = 256,
    unpack: Any = None,
    device: Any = None,
    seed: int = 0,
) -> Evaluation:
    """How good a model is on data that it was not trained on. The model stays as it is, in the mode that it has.

    model: an nn.Module, a function of a batch, a fitted Classifier or Regressor, or the folder of a run, of the command
    fit or of fit(..., out=folder).
    data: tensors (x, y) or (x, y, weight), a Dataset, a DataLoader without shuffling, or what data.load reads
    ("digits", "table.csv:y").
    metrics: names ("accuracy, fbeta(beta=2)") or items; by default the usual ones of the task.
    loss: what it was trained with: it tells whether outputs are logits, and which rows cost most. from_logits: says it
    where there is no loss. Neither is guessed from values.
    task: classification, multilabel, regression or segmentation, where the targets' form does not tell.
    slices: {"name": a mask, or one value per row}, or names of the table's columns; each part is tested against all
    other rows.
    threshold: of two classes, "f1", "fbeta(beta=2)", "cost(miss=5, false_alarm=1)", "recall(least=0.95)", or None.
    held_out: data by which temperature and threshold are chosen, or the share of the rows set aside for it (0.5);
    what is reported of the two are the other rows.
    level: of the intervals, which are for other samples of the same kind as these rows, and for this one model.

    >>> import torch, steepest as st
    >>> x = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    >>> model, y = torch.nn.Linear(3, 2), (x.sum(1) > 0).long()
    >>> st.evaluate(model, (x, y), loss="cross_entropy")["accuracy"].low < 1
    True

    Raises a SteepestError subclass with the repair for anything that cannot be judged.
    """
    asked = {name: value for name, value in locals().items() if name not in ("model", "data")}
    read = asked_of(model, data, asked)
    found, counts = read.all, confusion(read.all)
    n_suspects, shown = suspects(found)
    chosen = _threshold(read, threshold, level)
    findings = Findings(
        task=found.kind,
        model=read.model,
        data=read.data,
        n=len(found),
        level=level,
        loss=found.loss_name,
        score=_score(found),
        numbers=numbers(found, metrics, level),
        classes=classes(found, level),
        confusion=[] if counts is None else counts.tolist(),
        confused=confused(counts, found.names, level),
        costly=costly(found),
        suspects=shown,
        n_suspects=n_suspects,
        calibration=calibration(found, read.aside, read.rest, level) if found.has_probabilities else None,
        threshold=chosen,
        curves=class_curves(found, chosen, level),
        slices=sliced(found, slices_of(slices, data), level),
        residuals=residuals(found, level),
        notes=_notes(found, slices, data),
        versions={name: version(name) for name in ("steepest", "torch")},
    )
    return Evaluation(findings, found, metrics)


def _score(found: Answers) -> str:
    by_kind = {"classification": "accuracy", "multilabel": "all labels right", "segmentation": "places right"}
    return by_kind.get(found.kind, found.loss_name)


def _threshold(read: Asked, rule: str | None, level: float) -> Any:
    is_binary = read.all.kind == "classification" and read.all.n_classes == 2 and read.all.has_probabilities
    if not is_binary or rule is None or read.aside is None:
        return None
    return chosen_threshold(rule, read.aside, read.rest, level)


def _notes(found: Answers, slices: Any, data: Any) -> list[str]:
    notes = []
    if found.kind == "segmentation":
        notes.append("Places of one image are alike, so the intervals are for other images, drawn whole.")
    if found.kind == "classification" and not found.has_probabilities:
        notes.append(f"The loss {found.loss_name} gives scores that are no probabilities: none are judged.")
    if is_shuffled(data):
        notes.append("The loader shuffles: rows are counted in the order in which it gave them, not as they lie.")
    if found.weight is not None and slices is not None:
        notes.append("Slices count every row alike; the other numbers use the weights.")
    return notes

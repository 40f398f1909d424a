"""From what a module gives to what is asked of it: by the loss it was trained with, never by looking at the numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.errors import UsageError

ONE_HOT = ("binary", "multilabel", "distribution")
"""Kinds of targets of which each class has a number of its own."""
OF_TORCH = {
    nn.CrossEntropyLoss: ("classes", "logits"),
    nn.NLLLoss: ("classes", "log_probs"),
    nn.MultiMarginLoss: ("classes", "values"),
    nn.BCEWithLogitsLoss: ("binary", "logits"),
    nn.BCELoss: ("binary", "probs"),
    nn.MultiLabelSoftMarginLoss: ("multilabel", "logits"),
}


def what_it_takes(loss: Any) -> tuple[str, str]:
    """(kind of the targets, what the outputs are) of a loss; a function of the user: ("", "values")."""
    item = getattr(loss, "loss", None)
    if item is not None and hasattr(item, "expects"):
        return item.target.name, item.expects
    return next((said for kind, said in OF_TORCH.items() if isinstance(loss, kind)), ("", "values"))


def has_probabilities(loss: Any) -> bool:
    """Outputs that stand for probabilities."""
    return what_it_takes(loss)[1] in ("logits", "log_probs", "probs")


def probabilities(loss: Any, scores: Tensor, *, each: bool = False) -> Tensor:
    """(N, C) probabilities of scores (N, C) or, of two classes, (N, 1). each: every column is a question of its own."""
    kind, given = what_it_takes(loss)
    if scores.shape[1] == 1 or kind in ("binary", "multilabel"):
        p = scores.sigmoid() if given == "logits" else scores.exp() if given == "log_probs" else scores
        if each:
            return p
        return torch.cat([1 - p, p], 1) if p.shape[1] == 1 else p / p.sum(1, keepdim=True)
    p = scores.softmax(1) if given == "logits" else scores.exp() if given == "log_probs" else scores
    return p / p.sum(1, keepdim=True)


def refuse_other_losses(where: str, loss: Any, kinds: tuple[str, ...]) -> None:
    """Raises UsageError for a loss of ours that wants other targets."""
    kind, _ = what_it_takes(loss)
    if kind not in ("", *kinds):
        raise UsageError(
            where=where,
            seen=f"the loss {loss.loss.name} takes targets of the kind {kind!r}",
            needed=f"a loss whose targets are {' or '.join(kinds)} was needed",
            repair='loss="cross_entropy" for classes, loss="mse" for numbers.',
        )

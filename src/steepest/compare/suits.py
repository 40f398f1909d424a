"""Which losses and weightings can be trained on a task, and the error that says why one cannot."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from steepest.core.claims import nonnegative
from steepest.core.declare import Weighting
from steepest.core.errors import NotComparable
from steepest.core.loss import Loss

from .trial import Arm

BOUNDED = {"probs": "probabilities", "cosines": "cosines"}
KINDS = {
    "labels": ("classes", "distribution", "binary", "same", "own"),
    "one logit": ("binary", "same", "own"),
    "places": ("classes", "distribution", "binary", "same", "regions"),
    "one logit per place": ("binary", "same", "regions"),
    "steps": ("classes", "distribution", "binary", "same"),
    "one logit per step": ("binary", "same"),
    "several labels": ("binary", "multilabel", "same", "own"),
    "numbers": ("same", "own"),
}
"""The targets that a loss may ask for, by what the task's target is; one-hot rows serve where labels are wanted as numbers."""
FITTING = {
    "labels": "cross_entropy, focal, square",
    "one logit": "bce_with_logits, sigmoid_focal, hinge",
    "places": "cross_entropy, focal, dice",
    "one logit per place": "bce_with_logits, sigmoid_focal, dice",
    "steps": "cross_entropy, focal, square",
    "one logit per step": "bce_with_logits, sigmoid_focal, hinge",
    "several labels": "bce_with_logits, asl, zlpr",
    "numbers": "mse, huber, l1",
}
"""Losses to begin with: the ones compared when none is named."""
WORDS = {
    "labels": "one class per sample",
    "one logit": "two classes told apart by one number per sample",
    "places": "a class at each place of a map",
    "one logit per place": "two classes told apart by one number per place",
    "steps": "a class at each step of a sequence",
    "one logit per step": "two classes told apart by one number per step",
    "several labels": "several labels per sample",
    "numbers": "a regression",
}


class Task(Protocol):
    """What is asked of a task (compare.task.Task)."""

    @property
    def kind(self) -> str: ...
    @property
    def has_one_logit(self) -> bool: ...

    is_classification: bool
    gives_log_probs: bool
    places: Any


def refuse_arm(task: Task, arm: Arm) -> None:
    """Raise NotComparable when the arm's loss or weighting cannot be trained on this task, with the repair."""
    for term in arm.terms:
        refuse_loss(task, term.loss)
        if arm.learns_factors and nonnegative not in term.loss.claims:
            raise NotComparable(
                where=term.loss.name,
                seen=f"a learned factor for {term.loss.name}, which can fall below 0",
                needed="losses that are never below 0 were needed",
                consequence="The factor would grow without bound.",
                repair=f'Give it a fixed one, such as "0.5*{term.loss.name}", and so the others.',
            )
    if arm.weighting is not None and arm.beside:
        raise NotComparable(
            where=arm.weighting.name,
            seen=f"class weights for a sum of {len(arm.terms)} losses",
            needed="a single loss was needed to weigh",
            consequence="It would not be clear which of the losses bears the weights.",
            repair="Weigh in a study of its own, or leave weightings out.",
        )
    if arm.weighting is not None:
        _refuse_weighting(task, arm.weighting, arm.loss)


def refuse_loss(task: Task, loss: Loss) -> None:
    """Raise NotComparable when the loss cannot serve the task's target or its model's output."""
    fitting = f"For example {FITTING[task.kind]}."
    if loss.target.name not in KINDS[task.kind]:
        one = task.has_one_logit and loss.target.has_class_axis and loss.target.name in KINDS["labels"]
        raise NotComparable(
            where=loss.name,
            seen=f"the target is {WORDS[task.kind]} and {loss.name} takes {loss.target.says}",
            needed="a loss of plain numbers was needed (they are standardised, so of either sign)"
            if task.kind == "numbers"
            else "a loss of such targets was needed",
            repair=fitting[:-1] + (", or let the model end in 2 outputs." if one else "."),
        )
    if task.kind == "numbers" and loss.target.name != "own" and not _ignores_level(loss):
        raise NotComparable(
            where=loss.name,
            seen=f"{loss.name} is relative to the size of the target",
            needed="a loss of differences was needed: arms train on targets that are standardised, so of either sign, near 0",
            consequence="It would divide by numbers near 0 that mean an average target.",
            repair=f"{fitting} To weigh relative errors, train on the logarithm of the target.",
        )
    _refuse_outputs(task, loss)


def _ignores_level(loss: Loss) -> bool:
    """Whether input and target moved alike leave the loss as it is."""
    x, y = torch.tensor([1.5, 2.0, 4.0]), torch.tensor([2.0, 2.5, 3.0])
    with torch.no_grad():
        near, far = (loss(x + level, y + level, reduction="none") for level in (0.0, 64.0))
    return torch.allclose(near, far, rtol=1e-3, atol=1e-4)


def _refuse_outputs(task: Task, loss: Loss) -> None:
    """What the model gives must be what the loss takes."""
    fitting = f"For example {FITTING[task.kind]}."
    if loss.expects == "log_probs" and not task.gives_log_probs:
        raise NotComparable(
            where=loss.name,
            seen=f"{loss.name} takes log-probabilities and the model gives plain outputs",
            needed="a loss of logits was needed",
            consequence="Without a log-softmax its value falls for ever and nothing is learned.",
            repair="cross_entropy is the same loss of logits; or let the model end in log_softmax.",
        )
    if loss.expects in BOUNDED:
        raise NotComparable(
            where=loss.name,
            seen=f"{loss.name} takes {BOUNDED[loss.expects]} and arms share one model, whose outputs others take as logits",
            needed="a loss of logits was needed",
            consequence="Its value would be that of numbers which mean something else.",
            repair=fitting,
        )


def _refuse_weighting(task: Task, weighting: Weighting, loss: Loss) -> None:
    """Class weights need classes, and a loss that takes class indices; what reads the model's odds needs logits."""
    if not task.is_classification:
        raise NotComparable(
            where=weighting.name,
            seen=f"the target is {WORDS[task.kind]}",
            needed="classes were needed to weigh",
            repair='Leave weightings out, or pass task="classification" if the target is meant so.',
        )
    if loss.target.name != "classes":
        raise NotComparable(
            where=weighting.name,
            seen=f"{loss.name} takes {loss.target.says}, and no class weights",
            needed="a loss of class indices was needed",
            consequence="The arm would train without the weights and bear their name.",
            repair="cross_entropy, focal and square take them; it competes unweighted as a baseline: "
            f'baseline="{loss.name} + adamw".'
            if not task.has_one_logit
            else "Let the model end in 2 outputs and use cross_entropy; or bce_with_logits(pos_weight=...).",
        )
    if weighting.gives != "class_weight" and loss.expects != "logits":
        raise NotComparable(
            where=weighting.name,
            seen=f"{loss.name} takes {loss.expects}, and {weighting.name} reads or shifts the odds that logits give",
            needed="a loss of logits was needed",
            repair="cross_entropy, focal or gce; inverse_frequency and effective_number weigh the classes of any loss.",
        )

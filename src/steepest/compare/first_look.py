"""Before a study: the object check of the model with each loss on a few rows, and a refusal where no training could succeed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from steepest.check import check
from steepest.check.catalogue import all_checks
from steepest.check.refusal import refuse_fatal
from steepest.core.loss import Loss
from steepest.fit.first_look import FATAL, ROWS

from .places import MAPS
from .task import Task
from .trial import Arm


def refuse_mistakes(task: Task, arms: Sequence[Arm]) -> None:
    """Raise CheckFailed for a model and loss that cannot learn together (softmax before cross-entropy, layers in a list).

    Once for each loss among the arms, on a fresh model and the first rows of a training part.
    """
    others = tuple(c.code for c in all_checks() if c.code not in FATAL)
    part = task.train_set(0)
    single = [replace(arm, loss=t.loss, loss_options=t.options, beside=()) for arm in arms for t in arm.terms]
    for arm in {arm.loss.name: arm for arm in reversed(single)}.values():
        target = part.y[:ROWS] if _reads_labels(task, arm.loss) else task.encode(arm.loss, part.y[:ROWS])
        report = check(task.build(0), _loss(task, arm), None, (part.x[:ROWS], target), ignore=others)
        refuse_fatal(report, f"compare, {arm.loss.name}")


def _loss(task: Task, arm: Arm) -> Callable[[Any, Any], Tensor]:
    """The loss of the model's output as a script would write it; classes that stand last are moved to where they belong."""
    loss, places = arm.loss, task.places
    options = {**arm.loss_options, **task.from_classes(arm, 0)}

    def of(output: Any, target: Any) -> Tensor:
        if places is not None and _reads_labels(task, loss):
            output = output.movedim(-1, 1) if places.class_axis == -1 else output
        elif places is not None:
            output = places.rows(output.unsqueeze(0)).squeeze(0)
        return loss(output, target, **options)

    return of


def _reads_labels(task: Task, loss: Loss) -> bool:
    """The loss takes a map of labels beside an output with a class axis."""
    has_axis = task.places is not None and task.places.class_axis is not None
    return has_axis and (loss.target.name == MAPS or loss.target.name == "classes")

"""Before a study: the object check of the model with each loss on a few rows, what the data give away, and a refusal where no
training could succeed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from steepest.check import check
from steepest.check.catalogue import all_checks
from steepest.check.refusal import refuse_fatal
from steepest.core.errors import DataError
from steepest.core.loss import Loss
from steepest.fit.batches import Rows
from steepest.fit.first_look import FATAL, ROWS
from steepest.fit.leaks import leaks

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


def refuse_equal_rows(task: Task) -> None:
    """Raise DataError where no feature tells one sample from another."""
    if len(task.x) > 1 and bool((task.x[1:] == task.x[:1]).all()):
        raise DataError(
            where=task.data.name,
            seen=f"all {len(task.x):,} rows of the features are the same",
            needed="features that differ from row to row were needed",
            consequence="Every model would give one answer for all rows, and every arm the same score.",
            repair="Were the right columns read, and are they filled?",
        )


def leaks_of(task: Task) -> list[str]:
    """A sentence for each thing in the data that makes a score on the test part mean little; seen with seed 0's parts."""
    train, test = (Rows(part.x, part.truth, batch_size=len(part.x)) for part in (task.train_set(0), task.test_set(0)))
    return [told.replace("validation rows", "test rows") for told in leaks(train, test)]


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

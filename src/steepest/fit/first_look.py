"""Before training: the object check on a few rows, and a refusal where no training could succeed."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from steepest.check.catalogue import all_checks
from steepest.check.refusal import refuse_fatal
from steepest.check.running.objects import check_objects, first_batches
from steepest.check.running.probes import undisturbed

from .batches import Given, Rows, leaves, mapped
from .loop import Setup

FATAL = ("L01", "L02", "L03", "L04", "L05", "L07", "L08", "L09", "T01", "T02", "D01", "G01", "G03", "P01", "P02", "P04")
"""What is wrong whatever the data and the learning rate are; everything else is for the user to judge."""
ROWS = 64
STEPS = 2
"""Nothing moves the weights, so all are alike; from the second on one sees what is made anew in each."""


def refuse_mistakes(setup: Setup) -> None:
    """Raise CheckFailed for a model and loss that cannot learn together. The model, its optimizer and the data stay as they are.

    Looks at a few rows: of tensors in memory, one input or several, and of a loader whose rows can be asked for by number.
    What can only be read in order is left alone.
    """
    batch = _first(setup.train)
    if batch is None:
        return

    def loss(output: Any, target: Any) -> Tensor:
        return setup.objective.mean(output, target, None, len(leaves(target)[0]))[0]

    others = tuple(c.code for c in all_checks() if c.code not in FATAL)
    refuse_fatal(check_objects(setup.model, loss, None, batch, others, STEPS), "fit")


def _first(train: Rows | Given) -> tuple[Any, Any] | None:
    """Inputs and target of a few rows; loaders keep their place and the random numbers stay."""
    if isinstance(train, Rows):
        return train.first(ROWS)
    if not isinstance(train.source, (DataLoader, list)):
        return None
    with undisturbed():
        try:
            inputs, target, *_ = train.unpack(first_batches(train.source, 1)[0][0])
        except Exception:  # no batch, or one that cannot be read: the training says it in its own words
            return None
    if not isinstance(target, Tensor):
        return None
    return mapped(lambda t: t[:ROWS].clone(), inputs), target[:ROWS].clone()

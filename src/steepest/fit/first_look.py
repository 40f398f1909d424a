"""Before training: the object check on a few rows, and a refusal where no training could succeed."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.check import check
from steepest.check.catalogue import all_checks
from steepest.check.refusal import refuse_fatal

from .batches import Rows
from .loop import Setup

FATAL = ("L01", "L02", "L03", "L04", "L05", "L07", "L08", "L09", "T01", "T02", "D01", "G01", "G03", "P01", "P02", "P04")
"""What is wrong whatever the data and the learning rate are; everything else is for the user to judge."""
ROWS = 64


def refuse_mistakes(setup: Setup) -> None:
    """Raise CheckFailed for a model and loss that cannot learn together. The model, its optimizer and the data stay as they are.

    Looks at one input and one target tensor in memory; what comes in other forms is left to `steepest.check`.
    """
    train = setup.train
    if not isinstance(train, Rows) or not isinstance(train.inputs, Tensor) or not isinstance(train.target, Tensor):
        return

    def loss(output: Any, target: Any) -> Tensor:
        return setup.objective.mean(output, target, None, len(target))[0]

    others = tuple(c.code for c in all_checks() if c.code not in FATAL)
    refuse_fatal(check(setup.model, loss, None, train.first(ROWS), ignore=others), "fit")

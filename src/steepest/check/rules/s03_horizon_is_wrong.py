"""A cosine schedule whose T_max is not the number of its steps."""

from __future__ import annotations

import math
from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import ADAM, training
from ..facts import Facts
from ..finding import Seen
from ..reading.targets import horizon_missed
from ..running.schedules import schedules_of


@check(
    code="S03",
    title="the schedule does not end where training ends",
    damage="Too long, and training ends at a high rate; too short, and the rate rises again at the end.",
    repair=("T_max = the number of times that step() is called (the epochs, when it is called once per epoch)."),
    bad=training(
        epochs=6,
        optimizer=ADAM + "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)\n",
        after_epoch="scheduler.step()\n",
    ),
    good=training(
        epochs=6,
        optimizer=ADAM + "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)\n",
        after_epoch="scheduler.step()\n",
    ),
    needs="history",
    certainty="likely",
    severity="warning",
    source="Loshchilov & Hutter 2017, arXiv:1608.03983",
)
def horizon_is_wrong(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(horizon_missed)
    for use in schedules_of(facts.run) if facts.run else ():
        if use.kind != "CosineAnnealingLR" or use.planned_calls < 4:
            continue
        t, n = use.scheduler.T_max, use.planned_calls
        final = (1 + math.cos(math.pi * min(n, 10 * t) / t)) / 2
        per_batch_epochs = use.per_batch and t <= use.epochs
        per_epoch_batches = not use.per_batch and use.batches > 2 and 0.8 <= t / (use.epochs * use.batches) <= 1.25
        if final > 0.5 and not per_batch_epochs and not per_epoch_batches:
            yield Seen(
                f"T_max={t} and {n} calls of step(): training ends at {final:.0%} of the first learning rate", use.line
            )

"""A schedule of epochs that is stepped per batch, or one of batches that is stepped per epoch."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import ADAM, STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.rates import schedule_misplaced
from ..running.schedules import Use, schedules_of, unstepped


@check(
    code="S01",
    title="the schedule is stepped at the wrong place",
    damage="The learning rate is gone within the first epoch, or it hardly moves in the whole training.",
    repair=(
        "StepLR, MultiStepLR, ExponentialLR, CosineAnnealingLR(T_max=epochs): step() once per epoch. "
        "OneCycleLR, CyclicLR: once per batch."
    ),
    bad=training(
        epochs=8,
        optimizer=ADAM + "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)\n",
        step=STEP + "scheduler.step()\n",
    ),
    good=training(
        epochs=8,
        optimizer=ADAM + "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)\n",
        after_epoch="scheduler.step()\n",
    ),
    needs="history",
    certainty="proven",
    severity="error",
    source="https://github.com/pytorch/vision/issues/1261; PyTorch documentation, torch.optim.lr_scheduler",
)
def schedule_at_wrong_place(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(schedule_misplaced)
    for use in schedules_of(facts.run) if facts.run else ():
        told = _too_seldom(use) or (_too_often(use) if use.per_batch and use.epochs > 1 else "")
        if told:
            yield Seen(told, use.line)
        elif use.per_batch and use.kind == "ReduceLROnPlateau" and use.epochs > 1:
            told = "ReduceLROnPlateau judges single batches: it is stepped once per batch"
            yield Seen(told, use.line, severity="warning")
    for built in unstepped(facts.run) if facts.run else ():
        yield Seen(
            f"{type(built.of).__name__} is built and never stepped: the learning rate stays constant",
            built.place.line,
            severity="warning",
        )


def _too_seldom(use: Use) -> str:
    """A schedule that counts batches and is stepped once per epoch."""
    s, calls = use.scheduler, use.planned_calls
    if use.kind == "OneCycleLR" and calls and calls < 0.35 * s.total_steps:
        return f"OneCycleLR(total_steps={s.total_steps}) gets {calls} calls of step(): once per epoch instead of once per batch"
    if use.kind == "CyclicLR" and calls and not use.per_batch and calls < s.total_size / 4:
        return f"CyclicLR with a cycle of {s.total_size:g} steps gets {calls} calls of step(): once per epoch"
    counts_epochs = use.kind == "CosineAnnealingLR" and not use.per_batch and use.epochs > 1 and use.batches > 2
    if counts_epochs and 0.8 <= s.T_max / (use.epochs * use.batches) <= 1.25 and calls < s.T_max / 2:
        return f"CosineAnnealingLR(T_max={s.T_max}) counts batches and is stepped once per epoch, {calls} times"
    return ""


def _too_often(use: Use) -> str:
    """A schedule that counts epochs and is stepped once per batch."""
    s, kind = use.scheduler, use.kind
    if kind == "CosineAnnealingLR" and use.batches > 1 and s.T_max <= use.epochs and s.T_max < use.planned_calls / 2:
        return (
            f"CosineAnnealingLR(T_max={s.T_max}) is stepped {use.batches} times per epoch: "
            f"the rate goes up and down {use.planned_calls / s.T_max / 2:.0f} times"
        )
    if kind not in ("StepLR", "MultiStepLR", "ExponentialLR") or use.batches <= 2:
        return ""
    ratio, last = use.ratio_after(use.batches), use.ratio_after(use.batches * use.epochs)
    if ratio is not None and ratio < 0.15:
        return (
            f"{kind} is stepped once per batch: after the first of {use.epochs} epochs ({use.batches} batches) "
            f"the rate is {ratio:.2g} of its start"
        )
    if kind == "StepLR" and last is not None and s.step_size <= use.epochs and last < 1e-3:
        return f"{kind}(step_size={s.step_size}) is stepped once per batch: {use.epochs} epochs end at {last:.2g} of the rate"
    return ""

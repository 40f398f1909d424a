"""A schedule of epochs that is stepped per batch, or one of batches that is stepped per epoch."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import ADAM, STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.rates import schedule_misplaced
from ..running.schedules import schedules_of, unstepped


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
        kind, s = use.kind, use.scheduler
        if kind == "OneCycleLR" and use.planned_calls and use.planned_calls < 0.35 * s.total_steps:
            yield Seen(
                f"OneCycleLR(total_steps={s.total_steps}) gets {use.planned_calls} calls of step(): once per epoch instead of once per batch",
                use.line,
            )
        elif kind == "CyclicLR" and use.planned_calls and not use.per_batch and use.planned_calls < s.total_size / 4:
            yield Seen(
                f"CyclicLR with a cycle of {s.total_size:g} steps gets {use.planned_calls} calls of step(): once per epoch",
                use.line,
            )
        elif (
            use.per_batch
            and kind == "CosineAnnealingLR"
            and use.epochs > 1
            and use.batches > 1
            and s.T_max <= max(use.epochs, 1)
            and s.T_max < use.planned_calls / 2
        ):
            yield Seen(
                f"CosineAnnealingLR(T_max={s.T_max}) is stepped {use.batches} times per epoch: the rate goes up and down {use.planned_calls / s.T_max / 2:.0f} times",
                use.line,
            )
        elif (
            not use.per_batch
            and kind == "CosineAnnealingLR"
            and use.epochs > 1
            and use.batches > 2
            and 0.8 <= s.T_max / (use.epochs * use.batches) <= 1.25
            and use.planned_calls < s.T_max / 2
        ):
            yield Seen(
                f"CosineAnnealingLR(T_max={s.T_max}) counts batches and is stepped once per epoch, {use.planned_calls} times",
                use.line,
            )
        elif (
            use.per_batch and kind in ("StepLR", "MultiStepLR", "ExponentialLR") and use.epochs > 1 and use.batches > 2
        ):
            ratio = use.ratio_after(use.batches)
            if ratio is not None and ratio < 0.15:
                yield Seen(
                    f"{kind} is stepped once per batch: after the first of {use.epochs} epochs ({use.batches} batches) the rate is {ratio:.2g} of its start",
                    use.line,
                )
            elif (
                (last := use.ratio_after(use.batches * use.epochs)) is not None
                and kind == "StepLR"
                and s.step_size <= use.epochs
                and last < 1e-3
            ):
                yield Seen(
                    f"{kind}(step_size={s.step_size}) is stepped once per batch: {use.epochs} epochs end at {last:.2g} of the rate",
                    use.line,
                )
        elif use.per_batch and kind == "ReduceLROnPlateau" and use.epochs > 1:
            yield Seen(
                "ReduceLROnPlateau judges single batches: it is stepped once per batch", use.line, severity="warning"
            )
    for built in unstepped(facts.run) if facts.run else ():
        yield Seen(
            f"{type(built.of).__name__} is built and never stepped: the learning rate stays constant",
            built.place.line,
            severity="warning",
        )

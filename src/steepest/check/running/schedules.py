"""How a schedule is used: per batch or per epoch, and how many calls the loops have planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .place import Turn
from .record import Event, Run


@dataclass(frozen=True)
class Use:
    """One schedule with its calls. epochs, batches, planned_calls: 0 where the loops do not tell."""

    scheduler: Any
    kind: str
    line: int
    per_batch: bool
    epochs: int
    batches: int
    planned_calls: int

    def ratio_after(self, n: int) -> float | None:
        """The learning rate after n calls over the first one, where the schedule is a product of drops."""
        s = self.scheduler
        if self.kind == "StepLR":
            return float(s.gamma ** (n // s.step_size))
        if self.kind == "MultiStepLR":
            return float(s.gamma ** sum(count for m, count in s.milestones.items() if m <= n))
        return float(s.gamma**n) if self.kind == "ExponentialLR" else None


def schedules_of(run: Run) -> list[Use]:
    """Every schedule that was stepped."""
    by_schedule: dict[int, list[Event]] = {}
    for event in run.schedules:
        by_schedule.setdefault(id(event.of), []).append(event)
    return [use for events in by_schedule.values() if (use := _use(run, events)) is not None]


def _use(run: Run, events: list[Event]) -> Use | None:
    scheduler = events[0].of
    outer = {t.entry for e in run.events if e.kind == "schedule built" and e.of is scheduler for t in e.place.loops}
    steps = [e for e in run.events if e.kind == "step" and e.of.optimizer is getattr(scheduler, "optimizer", None)]
    if not steps:
        return None
    training = _inner(max((e.place.loops for e in steps), key=len), outer)
    calling = _inner(max((e.place.loops for e in events), key=len), outer)
    if not training or not calling:
        return None
    batches = _planned(run, training[-1]) if len(training) > 1 else 1
    epochs = _product([_planned(run, t) for t in training[:-1]]) if len(training) > 1 else _planned(run, training[0])
    often = len(events) >= 0.7 * len(steps)
    per_batch = often and len(calling) >= len(training) > 1 and calling[len(training) - 1].line == training[-1].line
    planned = epochs * batches if per_batch else _product([_planned(run, t) for t in calling])
    if not per_batch and len(calling) >= len(training) > 1:
        planned = 0
    return Use(scheduler, type(scheduler).__name__, events[0].place.line, per_batch, epochs, batches, planned)


def _inner(loops: tuple[Turn, ...], outer: set[int]) -> list[Turn]:
    return [t for t in loops if t.entry not in outer]


def _planned(run: Run, turn: Turn) -> int:
    """What the loop says, or how many turns were seen where it says nothing and the run came to its end."""
    if turn.planned:
        return turn.planned
    if run.cut:
        return 0
    return 1 + max((t.turn for e in run.events for t in e.place.loops if t.line == turn.line), default=0)


def _product(numbers: list[int]) -> int:
    n = 1
    for number in numbers:
        n *= number
    return n


def unstepped(run: Run) -> list[Event]:
    """Schedules that were built, belong to an optimizer that trained for several epochs, and were never stepped."""
    if run.ended not in ("finished", "cut"):
        return []
    stepped = {id(e.of) for e in run.schedules}
    built = [e for e in run.events if e.kind == "schedule built"]
    parts = {id(p) for e in built for p in getattr(e.of, "_schedulers", [])}
    used = {id(o.optimizer) for o in run.optimizers if o.steps >= 5}
    return [
        e for e in built
        if id(e.of) not in stepped | parts and id(getattr(e.of, "optimizer", None)) in used
    ]  # fmt: skip

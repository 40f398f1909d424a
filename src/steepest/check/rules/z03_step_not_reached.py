"""Gradients are computed and thrown away: step is missing or stands outside the batch loop."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import no_step


@check(
    code="Z03",
    title="gradients are computed and not used",
    damage="Most batches change nothing: the model learns from the last batch of an epoch, or not at all.",
    repair="Call optimizer.step() once per batch, in the loop over batches (with parentheses).",
    bad=training(step=STEP.replace("optimizer.step()\n", "")),
    good=training(),
    needs="history",
    certainty="proven",
    severity="error",
    source="steps and cleared gradients in the record",
)
def step_not_reached(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(no_step)
    run = facts.run
    if run is None or any(e.kind == "grad" for e in run.events[:50]) or any(o.has_closure for o in run.optimizers):
        return
    used = [b for b in run.backwards if not b.error]
    learned = [o for o in run.optimizers if o.steps]
    if len(used) >= 3 and not learned and run.optimizers and not run.changed_by_hand():
        reached = {key for b in used[:40] for key in b.norms}
        if any(id(p) in reached for o in run.optimizers for p in o.params):
            yield Seen(
                f"{len(used)} backward passes and not one step of an optimizer: no parameter has moved",
                used[0].place.line,
            )
        return
    for o in learned:
        if len(o.thrown_away) >= 3 and len(o.thrown_away) >= 1.5 * o.steps:
            yield Seen(
                f"gradients of {len(o.thrown_away)} backward passes were cleared without a step, {o.steps} steps were taken",
                o.thrown_away[0].line,
            )
    idle = [o for o in run.optimizers if not o.steps]
    reached = {key for b in used[:40] for key in b.norms}
    for o in idle:
        mine = [p for p in o.params if id(p) in reached]
        others = {id(p) for other in learned for p in other.params}
        if learned and mine and not any(id(p) in others for p in o.params) and run.steps >= 3:
            yield Seen(
                f"the optimizer of line {o.place.line} is never stepped, and its {len(mine)} tensors get gradients",
                o.place.line,
            )

"""Gradients of earlier batches are still there at the step."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import no_clearing


@check(
    code="Z01",
    title="gradients are not cleared between steps",
    damage=(
        "Each step follows the sum of all batches so far: the effective step grows without bound, "
        "training is noisy or diverges."
    ),
    repair="optimizer.zero_grad() before each backward().",
    bad=training(step=STEP.replace("optimizer.zero_grad()\n", "")),
    good=training(),
    needs="history",
    certainty="proven",
    severity="error",
    source="https://github.com/pytorch/pytorch/issues/47175",
)
def gradients_add_up(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(no_clearing)
    for o in facts.run.optimizers if facts.run else ():
        wrong = len(o.dirty_steps)
        if wrong >= 2 and wrong >= 0.3 * max(o.steps - 1, 1) and not o.has_closure:
            yield Seen(
                f"{wrong} of {o.steps} steps used gradients that were already there before: nothing cleared them after the step before",
                o.dirty_steps[0].line,
            )

"""The gradients are cleared between backward and step."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import cleared_too_early


@check(
    code="Z02",
    title="gradients are cleared before they are used",
    damage=("step() sees zeros or nothing: no parameter moves by them (momentum and weight decay go on alone)."),
    repair="Order: zero_grad, backward, step.",
    bad=training(
        step=STEP.replace("optimizer.zero_grad()\n", "").replace(
            "optimizer.step()", "optimizer.zero_grad()\noptimizer.step()"
        )
    ),
    good=training(),
    needs="history",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, Optimizer.zero_grad",
)
def cleared_before_step(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(cleared_too_early)
    for o in facts.run.optimizers if facts.run else ():
        wrong = len(o.empty_steps)
        if wrong >= 2 and wrong >= 0.5 * o.steps:
            yield Seen(
                f"{wrong} of {o.steps} steps found no gradient: zero_grad() stands between backward() and step()",
                (o.last_zero or o.empty_steps[0]).line,
            )

"""The optimizer is built anew inside the training loop."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import ADAM, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import built_again
from ..running.record import OptimizerSeen, Run


@check(
    code="O03",
    title="the optimizer is built again for the same parameters",
    damage=(
        "Each time it forgets its moments and its step count: Adam's first steps are its largest, "
        "momentum never gathers."
    ),
    repair="Build it once before the loop.",
    bad=training(optimizer="", epoch=ADAM),
    good=training(),
    needs="history",
    certainty="likely",
    severity="warning",
    source="constructions in the record",
)
def optimizer_built_again(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(built_again)
    run = facts.run
    built: dict[tuple[int, tuple[int, ...]], list[OptimizerSeen]] = {}
    for o in run.optimizers if run else ():
        if o.steps and o.place.loops:
            built.setdefault((o.place.line, tuple(sorted(id(p) for p in o.params))), []).append(o)
    for (line, _), same in built.items():
        if len(same) >= 2 and _keeps_state(same[0]) and not _was_reset(same, run):
            yield Seen(
                f"{type(same[0].optimizer).__name__} was built {len(same)} times for the same {len(same[0].params)} tensors, after "
                f"{same[0].steps} steps each",
                line,
            )


def _keeps_state(seen: OptimizerSeen) -> bool:
    """Plain gradient descent has no moments that a new one would forget."""
    plain = type(seen.optimizer).__name__ == "SGD"
    return not plain or any(g.get("momentum") for g in seen.optimizer.param_groups)


def _was_reset(same: list[OptimizerSeen], run: Run) -> bool:
    """New weights were loaded in between: then a new optimizer is right."""
    return any(e.kind == "load" and same[0].at < e.at < same[-1].at for e in run.events)

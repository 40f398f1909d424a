"""The optimizer holds tensors that are not those of the model."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import ADAM, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import other_tensors


@check(
    code="O02",
    title="the optimizer holds tensors that the model does not use",
    damage="It updates what nobody reads, and what the model reads stays as it is.",
    repair=(
        "Build the optimizer after the last change to the model (new head, load, .to), from the model that is trained."
    ),
    bad=training(optimizer=ADAM + "model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))\n"),
    good=training(),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="https://github.com/hustzxd/EfficientPyTorch/issues/1",
)
def optimizer_of_other_tensors(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(other_tensors)
    run = facts.run
    if run is None or not any(o.steps for o in run.optimizers):
        return
    stale = run.look.stale_in_optimizer()
    missing = run.look.without_optimizer()
    if stale and missing:
        o = stale[0]
        yield Seen(
            f"the optimizer's tensors are not in the model: {len(missing)} tensors of the model get gradients and are in no optimizer "
            f"({', '.join(n for n, _ in missing[:3])})",
            o.place.line,
        )

"""Steps so small that nothing changes."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen


@check(
    code="H07",
    title="the learning rate is too small to move anything",
    damage=("At this rate a weight needs millions of steps to change by its own size: the loss stays where it was."),
    repair="Raise the learning rate: 1e-3 for Adam and 1e-2 ... 1e-1 for SGD are common starts.",
    bad=training(optimizer="optimizer = torch.optim.Adam(model.parameters(), lr=1e-10)\n"),
    good=training(),
    needs="history",
    certainty="proven",
    severity="warning",
    source="float32 keeps about 7 digits",
)
def steps_too_small(facts: Facts) -> Iterator[Seen]:
    run = facts.run
    for o in run.optimizers if run else ():
        rates = [r for r in o.lrs if r > 0]
        if (
            o.steps >= 10
            and rates
            and max(rates) < 1e-7
            and type(o.optimizer).__name__ not in ("LBFGS", "Rprop", "Adadelta")
        ):
            yield Seen(
                f"{type(o.optimizer).__name__} took {o.steps} steps at a learning rate of at most {max(rates):.1e}",
                o.place.line,
            )

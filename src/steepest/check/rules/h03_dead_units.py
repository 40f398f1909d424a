"""Most units of a layer are 0 for all data."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen



@check(
    code="H03",
    title="most units of a layer are dead",
    damage=(
        "A ReLU that is 0 for every sample has no gradient and never comes back: the layer is as narrow "
        "as its living units."
    ),
    repair=(
        "A smaller learning rate, the default initialisation, no large negative bias; LeakyReLU or GELU."
    ),
    bad=training(model=MLP3 + "nn.init.constant_(model[0].bias, -8.0)\n"),
    good=training(),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="outputs of ReLU",
)
def dead_units(facts: Facts) -> Iterator[Seen]:
    lines = set()
    for op, dead, total in facts.run.dead_units if facts.run else ():
        if op.place.line not in lines and total >= 4 and dead > 0.5 * total:
            lines.add(op.place.line)
            yield Seen(f"{dead} of {total} units after {op.name} are 0 for every sample of the batch", op.place.line)

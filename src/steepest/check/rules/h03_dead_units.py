"""Most units of a layer are 0 for all data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen

if TYPE_CHECKING:
    from torch import Tensor


@check(
    code="H03",
    title="most units of a layer are dead",
    damage=(
        "A ReLU that is 0 for every sample has no gradient and never comes back: the layer is as narrow "
        "as its living units."
    ),
    repair=("A smaller learning rate, the default initialisation, no large negative bias; LeakyReLU or GELU."),
    bad=training(model=MLP3 + "nn.init.constant_(model[0].bias, -8.0)\n"),
    good=training(),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="outputs of ReLU",
)
def dead_units(facts: Facts) -> Iterator[Seen]:
    masks: dict[tuple[int, int], list[Tensor]] = {}
    for op, dead in facts.run.dead_units if facts.run else ():
        seen = masks.setdefault((id(op.module), op.place.line), [])
        if not seen or seen[0].shape == dead.shape:
            seen.append(dead)
    for (_, line), seen in masks.items():
        always = seen[0]
        for mask in seen[1:]:
            always = always & mask
        dead, total = int(always.sum()), len(always)
        if len(seen) >= 2 and total >= 4 and dead >= 0.8 * total:
            yield Seen(f"{dead} of {total} units after relu are 0 for every sample of {len(seen)} batches", line)

"""Weights that start as zeros or all alike."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..reading.parameters import equal_start


@check(
    code="H04",
    title="weights start equal",
    damage=(
        "All units of a layer compute the same and get the same gradient: they stay equal for ever, and "
        "zeros stop the gradient altogether."
    ),
    repair="Keep the default initialisation, or use nn.init.kaiming_normal_ / xavier_uniform_.",
    bad=training(model=MLP3 + "for p in model.parameters():\n    nn.init.constant_(p, 0.0)\n"),
    good=training(),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="Goodfellow et al. 2016, Deep Learning, section 8.4",
)
def equal_weights(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(equal_start)
    for name, layers in facts.run.look.equal_weights() if facts.run else ():
        yield Seen(
            f"all rows of {', '.join(layers[:3])} are alike in {name}, and still after {facts.run.steps} steps",
            facts.run.line_of(name),
        )

"""Linear layers with nothing between them."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..reading.structure import linear_in_linear, linear_twice
from ..running.graph import Op, origin
from ..seeing import first_kept


@check(
    code="H05",
    title="linear layers follow one another directly",
    damage="Two linear maps are one: the second layer adds parameters and no power.",
    repair="Put an activation between them, or use one layer.",
    bad=training(model=MLP3.replace("nn.ReLU(), ", "")),
    good=training(),
    needs="batch",
    certainty="likely",
    severity="warning",
    source="arithmetic: an affine map of an affine map is affine",
)
def linear_after_linear(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(linear_in_linear)
    yield from facts.read(linear_twice)
    lines = set()
    for seen in first_kept(facts.run) if facts.run else ():
        uses = [op for op in seen.ops() if op.name == "linear"]
        for op in uses:
            made = origin(op.ref(0, "input"))
            if made is None or made.name != "linear" or made.module is None or op.module is None:
                continue
            inside, before, after = made.out_shape[-1], next(made.refs()).shape[-1], op.out_shape[-1]
            wide = inside >= min(before, after)
            only = sum(origin(other.ref(0, "input")) is made for other in uses) == 1 and made.used <= 3
            key = (op.place.line, inside)
            if wide and only and key not in lines and _is_plain(made, op):
                lines.add(key)
                yield Seen(
                    f"Linear({before}, {inside}) goes into Linear({inside}, {after}) with no activation between",
                    op.place.line,
                )


def _is_plain(first: Op, second: Op) -> bool:
    """Two nn.Linear of one model, and not a projection that torch or the design keeps apart."""
    return (
        type(first.module).__name__ == "Linear"
        and type(second.module).__name__ == "Linear"
        and first.module is not second.module
    )

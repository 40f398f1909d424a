"""Losses that are summed or stored with their graphs."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.graphs import sums_keep_graphs


@check(
    code="G04",
    title="losses are kept with their graphs",
    damage=("Every batch's activations stay in memory until the sum is dropped: memory grows until the program dies."),
    repair="Add loss.item() or loss.detach().",
    bad=training(epochs=4, epoch="total = 0\n", step=STEP + "total = total + loss\n"),
    good=training(epochs=4, epoch="total = 0\n", step=STEP + "total = total + loss.item()\n"),
    needs="history",
    certainty="proven",
    severity="warning",
    source="https://github.com/BatsResearch/labelmodels/issues/4",
)
def graph_is_kept(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(sums_keep_graphs)
    run = facts.run
    if run is None:
        return
    if run.roots_alive > 5:
        yield Seen(
            f"{run.roots_alive} losses of earlier batches were still alive with their graphs",
            run.backwards[-1].place.line,
        )
    elif run.growing is not None:
        op, length = run.growing
        yield Seen(f"a sum over {length} batches still holds the graph of each", op.place.line)

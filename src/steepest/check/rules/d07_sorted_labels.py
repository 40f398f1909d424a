"""Labels in order and no shuffling: each batch holds one class."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import CLASSES, LOADER, training
from ..facts import Facts
from ..finding import Seen
from ..reading.targets import sorted_without_shuffle
from ..running.record import LossCall


@check(
    code="D07",
    title="batches hold one class each",
    damage=(
        "Each batch pulls the whole model to its class, and the next one to another: it forgets as fast as it learns."
    ),
    repair="DataLoader(..., shuffle=True).",
    bad=training(
        data=CLASSES + "order = y.argsort()\nX, y = X[order], y[order]\n", loader=LOADER.replace(", shuffle=True", "")
    ),
    good=training(data=CLASSES + "order = y.argsort()\nX, y = X[order], y[order]\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="labels of each batch",
)
def sorted_labels(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(sorted_without_shuffle)
    run = facts.run
    by_line: dict[int, list[LossCall]] = {}
    for call in run.losses if run else ():
        if (
            call.op.grad
            and call.op.name
            in ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
            and call.labels
        ):
            by_line.setdefault(call.op.place.line, []).append(call)
    for line, calls in by_line.items():
        calls = calls[: max(n_batches(calls[0]), 0) or 40]
        sizes = [sum(c.labels.values()) for c in calls]
        everything = {v for c in calls for v in c.labels}
        whole = all(v == int(v) for v in everything)
        if len(calls) < 4 or min(sizes[:-1]) < 8 or len(everything) < 2 or not whole or len(by_line) > 1:
            continue
        pure = sum(len(c.labels) == 1 for c in calls)
        few = sum(len(c.labels) <= 2 for c in calls)
        by_chance = sum((sum(c.labels.get(v, 0) for c in calls) / sum(sizes)) ** min(sizes[:-1]) for v in everything)
        if by_chance < 0.1 and (pure >= 0.6 * len(calls) or (len(everything) >= 5 and few >= 0.8 * len(calls))):
            yield Seen(
                f"{len(everything)} classes in {len(calls)} batches, and {pure} of the batches hold a single one", line
            )


def n_batches(call: LossCall) -> int:
    """Batches of an epoch, where the loop over them tells."""
    loops = call.op.place.loops
    return loops[-1].planned if loops else 0

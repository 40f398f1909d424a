"""The loss is put into a new tensor: its path to the parameters is gone."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.graphs import made_anew
from ..seeing import backwards_by_line, first_kept, number


@check(
    code="G03",
    title="the loss is a fresh tensor without history",
    damage=("backward() then only computes the gradient of that tensor: no parameter moves, and no error says so."),
    repair=(
        "Call backward() on the loss itself; remove torch.tensor(...), Variable(...), requires_grad_(True), .data."
    ),
    bad=training(
        step=STEP.replace("loss_fn(model(xb), yb)", "torch.tensor(loss_fn(model(xb), yb).item(), requires_grad=True)")
    ),
    good=training(),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="https://github.com/speechbrain/speechbrain/issues/735",
)
def loss_made_anew(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(made_anew)
    yield from _of_numbers(facts)
    for line, passes in backwards_by_line(facts.run).items() if facts.run else ():
        fresh = [b for b in passes if b.requires_grad and b.is_leaf]
        if fresh:
            op = fresh[0].op
            how = f" (made by {op.name} on line {op.place.line})" if op is not None else ""
            yield Seen(
                f"backward() is called on a leaf tensor with value {number(fresh[0].value)}{how}: it has no history",
                line,
            )


def _of_numbers(facts: Facts) -> Iterator[Seen]:
    """The only leaf behind the loss is a tensor made of plain numbers with requires_grad=True."""
    for seen in first_kept(facts.run) if facts.run else ():
        made = next(
            (op for op in seen.ops() if op.name in ("tensor", "as_tensor") and op.kwargs.get("requires_grad")), None
        )
        if (
            made is not None
            and not seen.is_leaf
            and len(seen.leaves) == 1
            and type(seen.leaves[0]).__name__ != "Parameter"
        ):
            if not any(id(seen.leaves[0]) == id(p) for o in facts.run.optimizers for p in o.params):
                yield Seen(
                    f"the loss is made of numbers again by {made.name}(..., requires_grad=True) on line {made.place.line}",
                    seen.place.line,
                )

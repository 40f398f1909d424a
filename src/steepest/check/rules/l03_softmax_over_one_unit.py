"""A softmax, or an argmax, over a single unit: the answer is always the same."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.keras import keras_one_unit
from ..reading.network import one_unit, softmax_over_one
from ..reading.targets import one_column
from ..running.graph import Op, origin
from ..running.record import Run
from ..seeing import first_kept, losses, shown


@check(
    code="L03",
    title="softmax over one unit",
    damage=(
        "Softmax of one number is 1 and argmax of one column is 0, whatever the model says: the loss is "
        "constant and nothing is learned."
    ),
    repair=(
        "For two classes with one output use nn.BCEWithLogitsLoss (prediction: output > 0), or give the "
        "model two outputs."
    ),
    bad=training(data=BINARY, model=MLP1),
    good=training(data=BINARY, model=MLP1, loss="loss_fn = nn.BCEWithLogitsLoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="softmax of one number is 1",
)
def softmax_over_one_unit(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(softmax_over_one)
    yield from facts.told(keras_one_unit)
    yield from facts.read(one_column)
    yield from facts.read(one_unit)
    for call, output, _ in losses(facts, "cross_entropy", "nll_loss"):
        if output.dim() > 1 and output.shape[1] == 1:
            yield Seen(
                f"{call.op.name} of an output of shape {shown(output.shape)}: one class, so the loss is constant",
                call.op.place.line,
            )
    lines = set()
    for seen in first_kept(facts.run) if facts.run else ():
        for op in seen.ops():
            if op.name in ("softmax", "log_softmax") and op.place.line not in lines and _over_one(op, facts.run):
                lines.add(op.place.line)
                yield Seen(
                    f"{op.name} over an axis of size 1, input {shown(op.refs().__next__().shape)}: the result is constant",
                    op.place.line,
                )
    for op in facts.run.compares if facts.run else ():
        axis = op.value(1, "dim")
        shape = next(op.refs()).shape
        if (
            op.name in ("argmax", "max")
            and isinstance(axis, int)
            and len(shape) == 2
            and shape[axis] == 1
            and shape[0] > 1
            and _of_model(op, facts.run)
        ):
            yield Seen(f"{op.name} over the single column of an output {shown(shape)} is always class 0", op.place.line)


def _over_one(op: Op, run: Run) -> bool:
    """The output of the model itself, not attention over one element."""
    shape = next(op.refs()).shape
    axis = op.value(1, "dim", -1)
    if not isinstance(axis, int) or not shape or not -len(shape) <= axis < len(shape) or shape[axis] != 1:
        return False
    return len(shape) == 2 and any(op in c.outputs_ops for c in run.calls) or op.module is None and len(shape) == 2


def _of_model(op: Op, run: Run) -> bool:
    made = origin(next(op.refs()))
    return made is not None and any(made in c.outputs_ops for c in run.calls if c.is_model)

"""Softmax over the batch instead of the classes."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import classifier
from ..facts import Facts
from ..finding import Seen
from ..reading.network import over_the_batch
from ..running.graph import Op, origin
from ..running.record import ModelCall, Run
from ..seeing import first_kept, losses, number, shown


@check(
    code="L04",
    title="softmax over the batch axis",
    damage=(
        "Samples compete with one another instead of classes: a prediction depends on who else is in the"
        " batch, and the rows are no probabilities."
    ),
    repair="Give the axis of the classes: dim=1 (or dim=-1).",
    bad=classifier(", nn.LogSoftmax(dim=0)", "loss_fn = nn.NLLLoss()\n"),
    good=classifier(", nn.LogSoftmax(dim=1)", "loss_fn = nn.NLLLoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, Softmax: dim",
)
def softmax_over_the_batch(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(over_the_batch)
    lines = set()
    for call, output, target in losses(facts, "nll_loss", "cross_entropy"):
        made = origin(call.op.ref(0, "input"))
        over = made is not None and made.name in ("softmax", "log_softmax") and made.value(1, "dim") in (0, -2)
        if made is not None and over and output.dim() == 2 and target.dim() == 1 and len(output) == len(target) > 1:
            lines.add(made.place.line)
            yield Seen(
                f"{made.name} over axis 0 of {shown(output.shape)}: {len(target)} samples compete with one another",
                made.place.line,
            )
    for seen in first_kept(facts.run) if facts.run else ():
        for op in seen.ops():
            if op.name in ("softmax", "log_softmax") and op.place.line not in lines and _is_over_batch(op, facts.run):
                lines.add(op.place.line)
                out = op.out_tensor
                sums = out.detach().exp().sum(0) if op.name == "log_softmax" else out.detach().sum(0)
                yield Seen(
                    f"{op.name} over axis 0 of {shown(out.shape)}: the columns sum to {number(sums.flatten()[0])}, not the rows; "
                    f"{out.shape[0]} is the batch",
                    op.place.line,
                )


def _is_over_batch(op: Op, run: Run) -> bool:
    """Over axis 0, whose length is the batch's, and on the way from the model's output to the loss."""
    out = op.out_tensor
    if out is None or out.dim() not in (1, 2, 3, 4) or out.shape[0] < 2:
        return False
    axis = op.value(1, "dim")
    implicit = axis is None and out.dim() in (1, 3)
    if out.dim() == 1 or not (implicit or axis in (0, -out.dim())):
        return False
    calls = [c for c in run.calls if c.kept and c.is_model and c.inputs and c.first_op <= op.index]
    if not any(t.dim() and t.shape[0] == out.shape[0] for c in calls for t in c.inputs):
        return False
    is_output = any(op in c.outputs_ops for c in calls) or (op.module is None and _of_output(op, calls))
    return is_output or any(c.first_op <= op.index < c.last_op and run.look.crosstalk(c) > 1e-3 for c in calls)


def _of_output(op: Op, calls: list[ModelCall]) -> bool:
    """A two-dimensional output of the model directly; a matrix of similarities (contrastive losses) is none."""
    made = origin(next(op.refs()))
    return made is not None and len(op.out_shape) == 2 and any(made in c.outputs_ops for c in calls)

"""Prediction and target of different shapes: broadcasting compares every prediction with every target."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP1, NUMBERS, STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.columns import column_against_row
from ..running.graph import Op, is_outer
from ..seeing import first_kept, shown


@check(
    code="L05",
    title="prediction and target broadcast against each other",
    damage=(
        "Every prediction is compared with every target of the batch, so the best answer is the mean of "
        "the targets, for all inputs: R² stays near 0."
    ),
    repair="Make the shapes equal: prediction.squeeze(1), or target.unsqueeze(1).",
    bad=training(data=NUMBERS, model=MLP1, loss="loss_fn = nn.MSELoss()\n", step=STEP.replace("yb)", "yb.squeeze(1))")),
    good=training(data=NUMBERS, model=MLP1, loss="loss_fn = nn.MSELoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/pytorch/pytorch/issues/16045",
)
def shapes_broadcast(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(column_against_row)
    lines = set()
    for seen in first_kept(facts.run) if facts.run else ():
        for op in seen.ops():
            if op.name in PAIRS and op.place.line not in lines and is_outer(op):
                first, second = [r for r in op.refs()][:2]
                if not (_from_loss(op, facts) and seen.step >= 0):
                    continue
                lines.add(op.place.line)
                n = max(_count(first.shape), _count(second.shape))
                yield Seen(
                    f"shapes {shown(first.shape)} and {shown(second.shape)} broadcast to {n * first.shape[0]} pairs instead of {n}",
                    op.place.line,
                )
    for call in facts.run.losses if facts.run else ():
        op = call.op
        if call.error and op.name in PAIRS and op.place.line not in lines:
            lines.add(op.place.line)
            first, second = op.ref(0, "input"), op.ref(1, "target")
            if first and second and first.shape != second.shape and second.dtype.is_floating_point:
                yield Seen(
                    f"{op.name} got the shapes {shown(first.shape)} and {shown(second.shape)}: {call.error.splitlines()[0][:100]}",
                    op.place.line,
                )


PAIRS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "sub", "rsub", "mul", "binary_cross_entropy", "poisson_nll_loss", "gaussian_nll_loss",
         "binary_cross_entropy_with_logits", "soft_margin_loss")  # fmt: skip


def _count(shape: tuple[int, ...]) -> int:
    n = 1
    for size in shape:
        n *= size
    return n


def _from_loss(op: Op, facts: Facts) -> bool:
    """Outside a model: inside, such products are attention or positions."""
    return op.module is None or next(op.module.parameters(), None) is None

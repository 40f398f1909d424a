"""Targets outside [0, 1] for a binary loss, NaN or infinity in the data."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.targets import bytes_as_targets
from ..seeing import SQUARES, losses, number


@check(
    code="T02",
    title="targets outside [0, 1], or NaN or infinity in the data",
    damage=(
        "A target of 255 makes the loss fall below 0 without end and looks like success; one NaN makes "
        "every weight NaN."
    ),
    repair="Divide masks by 255 and check with torch.isfinite before training.",
    bad=training(data=BINARY + "y = y * 255\n", model=MLP1, loss="loss_fn = nn.BCEWithLogitsLoss()\n"),
    good=training(data=BINARY, model=MLP1, loss="loss_fn = nn.BCEWithLogitsLoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, BCELoss: targets are numbers between 0 and 1",
)
def values_that_spoil(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(bytes_as_targets)
    for call, _, target in losses(facts, "binary_cross_entropy", "binary_cross_entropy_with_logits"):
        if target.numel() and (float(target.max()) > 1 or float(target.min()) < 0):
            yield Seen(
                f"the target of {call.op.name} spans {number(target.min())} ... {number(target.max())}",
                call.op.place.line,
            )
    for call in facts.run.calls if facts.run else ():
        for t in call.inputs[:3] if call.is_model else ():
            if t.is_floating_point() and not t.is_meta and not bool(t.isfinite().all()) and not bool(t.isneginf().any()):
                yield Seen(
                    f"{int((~t.isfinite()).sum())} of {t.numel()} input values are NaN or infinite", call.place.line
                )
                return
    for call, _, target in losses(facts, *SQUARES, "cross_entropy"):
        if target.is_floating_point() and not bool(target.isfinite().all()):
            yield Seen(
                f"{int((~target.isfinite()).sum())} of {target.numel()} target values are NaN or infinite",
                call.op.place.line,
            )
            return

"""The first loss is far above that of guessing."""

from __future__ import annotations

import math
from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..seeing import losses, number


@check(
    code="H06",
    title="the first loss is far from that of guessing",
    damage="The model starts by being sure and wrong: the first steps only undo the initialisation.",
    repair=("A smaller scale of the last layer or of the inputs: the first cross-entropy should be near ln C."),
    bad=training(model=MLP3 + "nn.init.normal_(model[2].weight, std=5.0)\n"),
    good=training(),
    needs="batch",
    certainty="likely",
    severity="note",
    source="cross-entropy of the uniform guess is ln C",
)
def first_loss_is_odd(facts: Facts) -> Iterator[Seen]:
    for call, output, target in losses(facts, "cross_entropy", "nll_loss"):
        if (
            output.dim() < 2
            or call.op.step
            or call.op.value(-1, "reduction", "mean") != "mean"
            or target.is_floating_point()
        ):
            continue
        out = call.op.out_tensor
        guess = math.log(max(output.shape[1], 2))
        if out is not None and out.numel() == 1 and float(out.detach()) > 2 * guess + 0.5:
            yield Seen(
                f"the first {call.op.name} is {number(out.detach())}, guessing among {output.shape[1]} classes gives {guess:.2f}",
                call.op.place.line,
            )

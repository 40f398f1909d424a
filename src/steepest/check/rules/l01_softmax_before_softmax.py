"""Softmax or sigmoid before a loss that applies it itself."""

from __future__ import annotations

import math
from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import classifier
from ..facts import Facts
from ..finding import Seen
from ..reading.keras import keras_squashed_twice
from ..reading.network import squashed_twice
from ..seeing import losses, number, rows_sum_to_one, squashed


@check(
    code="L01",
    title="the output is squashed twice",
    damage=(
        "The loss applies softmax or sigmoid itself. Of numbers that lie in [0, 1] it can never come "
        "near 0, gradients are tiny, and training stalls on a plateau."
    ),
    repair=(
        "Return logits: remove the softmax or sigmoid before the loss, and apply it only when you need probabilities."
    ),
    bad=classifier(", nn.Softmax(dim=1)"),
    good=classifier(),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, CrossEntropyLoss: the input is expected to contain unnormalized logits",
)
def softmax_before_softmax(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(squashed_twice)
    yield from facts.told(keras_squashed_twice)
    for call, output, _ in losses(facts, "cross_entropy", "binary_cross_entropy_with_logits"):
        made = squashed(call.op)
        softmax_loss = call.op.name == "cross_entropy"
        if softmax_loss and output.dim() > 1 and output.shape[1] > 1 and (made or rows_sum_to_one(output)):
            classes = output.shape[1]
            best = math.log(math.e + classes - 1) - 1
            how = (
                "rows sum to 1.000"
                if rows_sum_to_one(output)
                else f"all values lie in [0, 1] after {made.name if made else ''}"
            )
            yield Seen(
                f"the input of cross_entropy is already squashed ({how}, {classes} classes): the best loss it can reach is "
                f"{best:.2f}, not 0",
                call.op.place.line,
            )
        elif not softmax_loss and made:
            yield Seen(
                f"the input of binary_cross_entropy_with_logits comes from {made.name} (line {made.place.line}) and lies in "
                f"[{number(output.min())}, {number(output.max())}]: its own sigmoid makes of that at least 0.5",
                call.op.place.line,
            )

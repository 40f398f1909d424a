"""BCELoss fed with numbers that are no probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.keras import keras_raw_binary
from ..reading.network import no_probabilities
from ..seeing import number


@check(
    code="L08",
    title="BCELoss is fed with numbers outside [0, 1], or with logits",
    damage=(
        "BCELoss takes logarithms of its input: logits stop it with an error at the first negative one, "
        "or train to NaN."
    ),
    repair="Use nn.BCEWithLogitsLoss on the raw output, or apply torch.sigmoid before nn.BCELoss.",
    bad=training(data=BINARY, model=MLP1, loss="loss_fn = nn.BCELoss()\n"),
    good=training(data=BINARY, model=MLP1.replace("1))", "1), nn.Sigmoid())"), loss="loss_fn = nn.BCELoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, BCELoss",
)
def bce_of_logits(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(no_probabilities)
    yield from facts.told(keras_raw_binary)
    lines = set()
    for call in facts.run.losses if facts.run else ():
        op = call.op
        output = op.tensor(0, "input")
        if op.name == "binary_cross_entropy" and output is not None and op.place.line not in lines and output.numel():
            low, high = float(output.min()), float(output.max())
            if low < 0 or high > 1 or low != low:
                lines.add(op.place.line)
                yield Seen(
                    f"the input of binary_cross_entropy spans [{number(low)}, {number(high)}], it must be probabilities",
                    op.place.line,
                )

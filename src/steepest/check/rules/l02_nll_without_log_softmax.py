"""NLLLoss fed with something else than log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import classifier
from ..facts import Facts
from ..finding import Seen
from ..reading.keras import keras_raw_classes
from ..reading.network import no_log_softmax
from ..running.graph import origin
from ..seeing import losses, number


@check(
    code="L02",
    title="NLLLoss is fed with numbers that are no log-probabilities",
    damage=(
        "NLLLoss only picks the number of the true class: without log_softmax the loss falls without "
        "bound, or has nearly no gradient, and means nothing."
    ),
    repair="Return F.log_softmax(output, dim=1), or keep the output and use nn.CrossEntropyLoss.",
    bad=classifier(", nn.Softmax(dim=1)", "loss_fn = nn.NLLLoss()\n"),
    good=classifier(", nn.LogSoftmax(dim=1)", "loss_fn = nn.NLLLoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, NLLLoss: the input is expected to contain log-probabilities",
)
def nll_without_log_softmax(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(no_log_softmax)
    yield from facts.told(keras_raw_classes)
    for call, output, _ in losses(facts, "nll_loss"):
        made = origin(call.op.ref(0, "input"))
        if output.dim() < 2 or (made is not None and made.name == "log_softmax"):
            continue
        sums = output.float().exp().sum(1)
        if bool(((sums - 1).abs() > 0.02).any()):
            yield Seen(
                f"exp of the rows sums to {number(sums.min())} ... {number(sums.max())}, it must be 1"
                + (f"; they come from {made.name}" if made else ""),
                call.op.place.line,
            )

"""A scalar weight that was meant for the rare class."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.network import one_weight
from ..seeing import losses, number


@check(
    code="L14",
    title="one weight for all samples",
    damage=("The same factor on every sample is another learning rate: the rare class counts as little as before."),
    repair=("nn.BCEWithLogitsLoss(pos_weight=torch.tensor([w])), or for classes weight= with one number per class."),
    bad=training(data=BINARY, model=MLP1, loss="loss_fn = nn.BCEWithLogitsLoss(weight=torch.tensor([9.0]))\n"),
    good=training(data=BINARY, model=MLP1, loss="loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([9.0]))\n"),
    needs="batch",
    certainty="likely",
    severity="warning",
    source="PyTorch documentation, BCEWithLogitsLoss: pos_weight",
)
def one_weight_for_all(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(one_weight)
    for call, output, target in losses(facts, "binary_cross_entropy", "binary_cross_entropy_with_logits"):
        weight = call.op.tensor(2, "weight")
        if (
            weight is not None
            and weight.numel() == 1
            and float(weight) != 1
            and target.numel() > 1
            and call.op.value(-1, "pos_weight") is None
        ):
            yield Seen(f"weight={number(weight)} multiplies all {target.numel()} terms alike", call.op.place.line)

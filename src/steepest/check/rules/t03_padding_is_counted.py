"""A token loss that counts the padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steepest.core.checks import check

from ..examples import WORDS, training
from ..facts import Facts
from ..finding import Seen
from ..reading.sequences import padding_counted
from ..running.graph import unflattened
from ..seeing import losses

if TYPE_CHECKING:
    from torch import Tensor

PADDED = """\
lengths = torch.randint(3, 10, (240, 1))
text = torch.cumsum(torch.randint(1, 3, (240, 13)), dim=1) % 10 + 1
text = text * (torch.arange(13) < lengths)
X, y = text[:, :-1], text[:, 1:]
"""


@check(
    code="T03",
    title="the padding is counted in the loss",
    damage=(
        "The model learns to say padding, which is easy and frequent: the loss looks good and the words "
        "get a small share of the gradient."
    ),
    repair="Give the loss ignore_index=<padding id>.",
    bad=training(
        data=PADDED,
        model=WORDS,
    ),
    good=training(
        data=PADDED,
        model=WORDS,
        loss="loss_fn = nn.CrossEntropyLoss(ignore_index=0)\n",
    ),
    needs="batch",
    certainty="proven",
    severity="warning",
    source="PyTorch documentation, CrossEntropyLoss: ignore_index",
)
def padding_is_counted(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(padding_counted)
    for call, output, _ in losses(facts, "cross_entropy", "nll_loss"):
        start = unflattened(call.op.ref(1, "target"))
        target = start.tensor if start else None
        if (
            target is None
            or target.dim() != 2
            or target.is_floating_point()
            or target.shape[1] < 4
            or target.shape[0] < 4
        ):
            continue
        if (
            call.op.value(2, "weight") is not None
            or call.op.value(-1, "reduction", "mean") == "none"
            or output.dim() < 2
        ):
            continue
        pad, share, lengths = trailing(target)
        if share >= 0.08 and len(lengths) >= 3 and pad != call.op.value(-1, "ignore_index", -100):
            yield Seen(
                f"{share:.0%} of the targets are the id {pad} at the ends of the rows ({len(lengths)} different lengths)",
                call.op.place.line,
            )


def trailing(target: Tensor) -> tuple[int, float, set[int]]:
    """(id, share of all tokens, lengths of the runs) of one id that ends most rows and stands nowhere else."""
    pad = int(target[:, -1].mode().values)
    run = (target.flip(1) != pad).long().cumsum(1) == 0
    lengths = run.sum(1)
    elsewhere = int((target == pad).sum() - run.sum())
    if float((lengths > 0).float().mean()) < 0.4 or elsewhere > 0.02 * target.numel():
        return pad, 0.0, set()
    return pad, float(run.float().mean()), set(lengths.tolist())

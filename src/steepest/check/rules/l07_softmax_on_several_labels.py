"""A softmax loss on samples that bear several labels at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..reading.targets import several_labels
from ..running.graph import Op, origin
from ..seeing import first_kept, losses

if TYPE_CHECKING:
    from torch import Tensor


@check(
    code="L07",
    title="softmax loss on multi-hot targets",
    damage=(
        "Softmax lets one label win against the others: two labels that are both true fight, and a "
        "sample without a label has no right answer."
    ),
    repair="Use nn.BCEWithLogitsLoss: one independent yes or no per label.",
    bad=training(data="X = torch.randn(240, 8)\ny = (X[:, :4] > 0).float()\n", model=MLP3.replace("3))", "4))")),
    good=training(
        data="X = torch.randn(240, 8)\ny = (X[:, :4] > 0).float()\n",
        model=MLP3.replace("3))", "4))"),
        loss="loss_fn = nn.BCEWithLogitsLoss()\n",
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, CrossEntropyLoss",
)
def softmax_on_several_labels(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(several_labels)
    for call, output, target in losses(facts, "cross_entropy"):
        if target.is_floating_point() and target.dim() > 1 and target.shape[1] > 1:
            yield from _multi_hot(target, call.op.place.line, "cross_entropy")
    for seen in first_kept(facts.run) if facts.run else ():
        for op in seen.ops():
            if op.name != "mul":
                continue
            refs = [r for r in op.refs() if r.tensor is not None and len(r.shape) == 2]
            if len(refs) == 2:
                logs = [r for r in refs if (made := origin(r)) is not None and is_log_softmax(made)]
                others = [r for r in refs if r not in logs and not r.tensor.requires_grad]
                if logs and others:
                    yield from _multi_hot(others[0].tensor, op.place.line, "log_softmax")


def _multi_hot(target: Tensor, line: int, name: str) -> Iterator[Seen]:
    sums = target.sum(1)
    is_hot = bool(((target == 0) | (target == 1)).all())
    if is_hot and bool((sums != 1).any()):
        share = float((sums != 1).float().mean())
        yield Seen(
            f"{share:.0%} of the rows of the target hold 0 or several ones (sums {sums.min():g} ... {sums.max():g}) under {name}",
            line,
        )


def is_log_softmax(op: Op) -> bool:
    """log_softmax, or x - logsumexp(x) by hand, or the logarithm of a softmax."""
    inner = [origin(r) for r in op.refs()]
    names = [o.name for o in inner if o is not None]
    return (
        op.name == "log_softmax"
        or (op.name == "sub" and "logsumexp" in names)
        or (op.name == "log" and names == ["softmax"])
    )

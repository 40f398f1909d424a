"""A logarithm, root, quotient or exponential that meets its edge."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.network import log_of_softmax
from ..running.graph import Op, origin
from ..seeing import first_kept


@check(
    code="G05",
    title="a formula that breaks at its edge",
    damage=(
        "log(softmax(x)) is -inf where a probability rounds to 0, and the slope of sqrt at 0 is "
        "infinite: one such sample makes every weight NaN."
    ),
    repair=(
        "F.log_softmax instead of log(softmax), F.logsigmoid instead of log(sigmoid), + 1e-8 inside sqrt"
        " and in denominators."
    ),
    bad=training(
        loss="",
        step=STEP.replace(
            "loss_fn(model(xb), yb)", "-torch.log(torch.softmax(model(xb), dim=1))[torch.arange(len(xb)), yb].mean()"
        ),
    ),
    good=training(
        loss="",
        step=STEP.replace(
            "loss_fn(model(xb), yb)", "-F.log_softmax(model(xb), dim=1)[torch.arange(len(xb)), yb].mean()"
        ),
    ),
    needs="batch",
    certainty="proven",
    severity="warning",
    source="float32 softmax rounds to 0 below about 1e-45",
)
def numbers_overflow(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(log_of_softmax)
    lines = set()
    for seen in first_kept(facts.run) if facts.run else ():
        for op in seen.ops():
            made = origin(next(op.refs(), None))
            if op.place.line in lines or made is None:
                continue
            if op.name in ("log", "log2", "log10") and made.name in ("softmax", "sigmoid"):
                lines.add(op.place.line)
                yield Seen(
                    f"log of {made.name}: at a logit difference above about 104 (float32) the probability is 0 and the loss infinite",
                    op.place.line,
                )
            elif op.name == "rsub" and made.name in ("softmax", "sigmoid"):
                continue
            elif op.name == "sqrt" and _zeros(op):
                lines.add(op.place.line)
                yield Seen(f"sqrt of {_zeros(op)} exact zeros: its slope there is infinite", op.place.line)


def _zeros(op: Op) -> int:
    t = op.tensor(0, "input")
    return int((t == 0).sum()) if t is not None and t.requires_grad else 0

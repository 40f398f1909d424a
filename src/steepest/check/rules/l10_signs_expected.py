"""A loss that needs targets of ±1 given 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.targets import zero_one_signs
from ..running.graph import Op, origin
from ..seeing import first_kept

if TYPE_CHECKING:
    from torch import Tensor


@check(
    code="L10",
    title="a ±1 loss is given 0/1 targets",
    damage="A target of 0 makes the loss constant for that sample: half of the data teach nothing.",
    repair="Use targets 2 * t - 1.",
    bad=training(data=BINARY, model=MLP1, loss="loss_fn = nn.SoftMarginLoss()\n"),
    good=training(data=BINARY + "y = 2 * y - 1\n", model=MLP1, loss="loss_fn = nn.SoftMarginLoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, HingeEmbeddingLoss, SoftMarginLoss",
)
def signs_expected(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(zero_one_signs)
    for call in facts.run.losses if facts.run else ():
        position = {
            "soft_margin_loss": 1,
            "hinge_embedding_loss": 1,
            "margin_ranking_loss": 2,
            "cosine_embedding_loss": 2,
        }.get(call.op.name)
        target = call.op.tensor(position, "target") if position else None
        if target is not None and is_zero_or_one(target):
            yield Seen(
                f"{call.op.name} got targets of 0 and 1 ({float((target == 0).float().mean()):.0%} are 0), it needs -1 and 1",
                call.op.place.line,
            )
    for seen in first_kept(facts.run) if facts.run else ():
        for op in seen.ops():
            target = _hinge_target(op)
            if target is not None and is_zero_or_one(target):
                yield Seen(
                    f"a hinge 1 - y * output with y of 0 and 1 ({float((target == 0).float().mean()):.0%} are 0)",
                    op.place.line,
                )


def _hinge_target(op: Op) -> Tensor | None:
    """The y of max(0, 1 - y * output)."""
    if op.name not in ("clamp", "relu", "maximum", "clamp_min"):
        return None
    inner = origin(next(op.refs(), None))
    if inner is None or inner.name not in ("rsub", "sub"):
        return None
    if not any(v == 1 for v in inner.args if isinstance(v, (int, float))):
        return None
    made = [o for r in inner.refs() if (o := origin(r)) is not None]
    product = next((o for o in made if o.name == "mul"), None)
    pair = [r.tensor for r in product.refs()] if product else []
    fixed = [t for t in pair if t is not None and not t.requires_grad and t.dim()]
    return fixed[0] if len(fixed) == 1 and len(pair) == 2 else None


def is_zero_or_one(t: Tensor) -> bool:
    return bool(((t == 0) | (t == 1)).all()) and bool((t == 0).any()) and t.numel() > 1

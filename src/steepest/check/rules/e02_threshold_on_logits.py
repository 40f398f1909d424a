"""The threshold of probabilities applied to logits, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.network import half_of_logits
from ..running.graph import origin
from ..seeing import number


@check(
    code="E02",
    title="the threshold does not fit the output",
    damage=(
        "Logits are cut at 0, probabilities at 0.5. At 0.5 a logit means p = 0.62: the rare class is "
        "found too seldom; at 0 every probability is a yes."
    ),
    repair="output > 0 for logits, or torch.sigmoid(output) > 0.5.",
    bad=training(
        data=BINARY,
        model=MLP1,
        loss="loss_fn = nn.BCEWithLogitsLoss()\n",
        after="""
model.eval()
with torch.no_grad():
    print(((model(X) > 0.5).float() == y).float().mean())
""",
    ),
    good=training(
        data=BINARY,
        model=MLP1,
        loss="loss_fn = nn.BCEWithLogitsLoss()\n",
        after="""
model.eval()
with torch.no_grad():
    print(((model(X) > 0).float() == y).float().mean())
""",
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="origin and range of what is compared",
)
def threshold_on_logits(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(half_of_logits)
    run = facts.run
    if run is None:
        return
    logits = {
        c.op.index: origin(c.op.ref(0, "input")) for c in run.losses if c.op.name == "binary_cross_entropy_with_logits"
    }
    modules = {
        id(call.module)
        for made in logits.values()
        for call in run.calls
        if made is not None and made in call.outputs_ops
    }
    lines = set()
    for op in run.compares:
        if op.name not in ("gt", "ge", "lt", "le", "round") or op.place.line in lines:
            continue
        made, cut = origin(next(op.refs())), 0.5 if op.name == "round" else op.value(1, "other")
        if made is None or not isinstance(cut, (int, float)) or isinstance(cut, bool):
            continue
        raw = any(made in c.outputs_ops and id(c.module) in modules for c in run.calls)
        x = op.tensor(0, "input")
        if raw and 0.3 <= cut <= 0.7 and made.name not in ("sigmoid", "softmax"):
            lines.add(op.place.line)
            span = f", it spans [{number(x.min())}, {number(x.max())}]" if x is not None and x.numel() else ""
            yield Seen(
                f"{'round' if op.name == 'round' else f'the threshold {cut:g}'} is applied to the logits that the loss squashes itself{span}",
                op.place.line,
            )
        elif made.name in ("sigmoid", "softmax") and cut == 0 and op.name in ("gt", "ge"):
            lines.add(op.place.line)
            yield Seen(f"probabilities (from {made.name}) are compared with 0: always true", op.place.line)

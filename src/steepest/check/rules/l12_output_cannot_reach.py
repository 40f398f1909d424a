"""A last layer whose range cannot hold the targets, or the logits that the loss expects."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP1, NUMBERS, training
from ..facts import Facts
from ..finding import Seen
from ..reading.network import cut_logits
from ..reading.targets import out_of_range
from ..running.graph import Op, origin
from ..seeing import SQUARES, losses, number


@check(
    code="L12",
    title="the last layer cuts off what the target needs",
    damage=(
        "The output can never take the values that it should: the loss stays at a floor, and where the "
        "activation is flat nothing is learned."
    ),
    repair="Remove the activation after the last layer.",
    bad=training(data=NUMBERS, model=MLP1.replace("1))", "1), nn.ReLU())"), loss="loss_fn = nn.MSELoss()\n"),
    good=training(data=NUMBERS, model=MLP1, loss="loss_fn = nn.MSELoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/yzhao062/pyod/issues/314: a sigmoid at the end, standardised data",
)
def output_cannot_reach(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(cut_logits)
    yield from facts.read(out_of_range)
    for call, output, target in losses(facts, *SQUARES):
        made = origin(call.op.ref(0, "input"))
        low, high = RANGES.get(made.name if made else "", (None, None))
        if made is None or (low is None and high is None) or not target.is_floating_point():
            continue
        outside = (target < low - 1e-4).float().mean() if low is not None else target.new_zeros(())
        if high is not None:
            outside = outside + (target > high + 1e-4).float().mean()
        if float(outside) > 0.02:
            yield Seen(
                f"the output ends with {made.name} and lies in [{low:g}, {'inf' if high is None else format(high, 'g')}], but {float(outside):.0%} of the targets "
                f"lie outside (they span {number(target.min())} ... {number(target.max())})",
                call.op.place.line,
            )
    for call, output, _ in losses(facts, "cross_entropy", "binary_cross_entropy_with_logits"):
        made = origin(call.op.ref(0, "input"))
        if (
            made is not None
            and made.name in ("relu", "tanh", "relu6", "softplus", "hardtanh")
            and _is_last(made, facts)
        ):
            yield Seen(
                f"{call.op.name} expects logits, and the output ends with {made.name}: it spans only "
                f"[{number(output.min())}, {number(output.max())}]",
                call.op.place.line,
            )


RANGES: dict[str, tuple[float | None, float | None]] = {
    "relu": (0, None), "sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "softplus": (0, None), "relu6": (0, 6), "hardtanh": (-1, 1),
    "hardsigmoid": (0, 1),
}  # fmt: skip


def _is_last(made: Op, facts: Facts) -> bool:
    """What ends the model, not what stands in its middle."""
    return facts.run is not None and (
        made.module is None or any(made in c.outputs_ops for c in facts.run.calls) or made.module is not None
    )

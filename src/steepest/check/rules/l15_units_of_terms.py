"""Terms of one loss in different units: one summed over the batch, another averaged."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP1, NUMBERS, STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.targets import sum_beside_mean
from ..running.terms import terms_of
from ..seeing import first_kept


@check(
    code="L15",
    title="terms of the loss in different units",
    damage=(
        "One term grows with the batch, the other does not: their balance depends on the batch size, and"
        " the larger one takes over."
    ),
    repair="Reduce all terms alike: sum both and divide by the batch size, or average both.",
    bad=training(
        data=NUMBERS,
        model=MLP1,
        step=STEP.replace("loss_fn(model(xb), yb)", "loss_fn(model(xb), yb) + model(xb).pow(2).sum()"),
        loss="loss_fn = nn.MSELoss()\n",
    ),
    good=training(
        data=NUMBERS,
        model=MLP1,
        step=STEP.replace("loss_fn(model(xb), yb)", "loss_fn(model(xb), yb) + model(xb).pow(2).mean()"),
        loss="loss_fn = nn.MSELoss()\n",
    ),
    needs="gradients",
    certainty="likely",
    severity="warning",
    source="https://github.com/zdebruine/MMVAE/pull/19: the mean of the one, the sum of the other",
)
def units_of_terms(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(sum_beside_mean)
    for seen in first_kept(facts.run) if facts.run else ():
        terms = [t for t in terms_of(seen.op) if abs(t.factor) > 0.02]
        summed = [t for t in terms if t.unit == "sum" and t.batch > 1]
        averaged = [t for t in terms if t.unit == "mean"]
        if summed and averaged and summed[0].op is not averaged[0].op:
            yield Seen(
                f"one term is summed over {summed[0].batch} samples (line {summed[0].op.place.line}), another is averaged "
                f"(line {averaged[0].op.place.line})",
                seen.place.line,
            )

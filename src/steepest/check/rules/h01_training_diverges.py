"""The loss runs away or becomes NaN."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from steepest.core.checks import check

from ..examples import MLP1, NUMBERS, training
from ..facts import Facts
from ..finding import Seen
from ..seeing import backwards_by_line, number


@check(
    code="H01",
    title="training diverges",
    damage="Nothing is learned after this; NaN in one weight is NaN in all.",
    repair=(
        "Divide the learning rate by 10 and look at the scale of inputs and targets; clip gradients if "
        "single batches do it."
    ),
    bad=training(
        data=NUMBERS,
        model=MLP1,
        loss="loss_fn = nn.MSELoss()\n",
        optimizer="optimizer = torch.optim.SGD(model.parameters(), lr=3.0)\n",
    ),
    good=training(
        data=NUMBERS,
        model=MLP1,
        loss="loss_fn = nn.MSELoss()\n",
        optimizer="optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\n",
    ),
    needs="history",
    certainty="proven",
    severity="error",
    source="losses in the record",
)
def training_diverges(facts: Facts) -> Iterator[Seen]:
    run = facts.run
    for line, passes in backwards_by_line(run).items() if run else ():
        values = [b.value for b in passes if not b.error][:200]
        bad = next((i for i, v in enumerate(values) if math.isnan(v) or math.isinf(v)), None)
        scalars = [b for b in passes if b.op is not None or b.requires_grad]
        if (
            bad is not None
            and scalars
            and not (bad == 0 and passes[0].root is not None and passes[0].root.numel() != 1)
        ):
            yield Seen(
                f"the loss is {values[bad]} at step {bad + 1}; before: {', '.join(number(v) for v in values[max(0, bad - 3) : bad]) or 'nothing'}",
                line,
            )
            continue
        if (
            len(values) < 12
            or values[0] <= 0
            or len([o for o in run.optimizers if o.steps]) != 1
            or len(backwards_by_line(run)) != 1
        ):
            continue
        start, peak = median(values[:3]), min(values[8:14]) if len(values) < 20 else min(values[12:20])
        if peak > 3 * start and median(values[-5:]) > 3 * start:
            yield Seen(
                f"the loss rose from {number(start)} to at least {number(peak)} within {min(len(values), 20)} steps",
                line,
            )

"""A standard deviation where the variance is needed, or a rate where its logarithm is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from steepest.core.checks import check

from ..examples import MLP1, NUMBERS, training
from ..facts import Facts
from ..finding import Seen
from ..reading.network import rates_and_logarithms, std_for_variance
from ..running.graph import origin
from ..seeing import losses, number


@check(
    code="L11",
    title="the spread or the rate has the wrong form",
    damage=(
        "The loss means another distribution than the model says: its minimum is elsewhere, or it "
        "becomes NaN while gradients stay finite."
    ),
    repair=(
        "GaussianNLLLoss takes the variance: std ** 2. PoissonNLLLoss takes the logarithm of the rate, "
        "or log_input=False and a positive rate."
    ),
    bad=training(
        data=NUMBERS + "y = y.abs().round()\n", model=MLP1, loss="loss_fn = nn.PoissonNLLLoss(log_input=False)\n"
    ),
    good=training(data=NUMBERS + "y = y.abs().round()\n", model=MLP1, loss="loss_fn = nn.PoissonNLLLoss()\n"),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, GaussianNLLLoss and PoissonNLLLoss",
)
def wrong_scale_parameter(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(rates_and_logarithms)
    for seen in facts.read(std_for_variance):
        yield replace(seen, severity="warning")
    for call, output, _ in losses(facts, "poisson_nll_loss"):
        log_input, made = call.op.value(2, "log_input", True), origin(call.op.ref(0, "input"))
        if not log_input and bool((output < 0).any()):
            yield Seen(
                f"log_input=False needs a rate >= 0, the output goes down to {number(output.min())}", call.op.place.line
            )
        elif log_input and made is not None and made.name in ("exp", "softplus", "relu"):
            yield Seen(
                f"the output is already a rate (from {made.name}), and log_input=True takes exp of it once more",
                call.op.place.line,
            )
    for call, output, _ in losses(facts, "gaussian_nll_loss"):
        variance = call.op.tensor(2, "var")
        spelled = facts.source.argument(call.op.place.line, "gaussian_nll_loss", 2, "var") if facts.source else ""
        if variance is not None and bool((variance < 0).any()):
            yield Seen(f"the variance goes down to {number(variance.min())}", call.op.place.line)
        elif re.search(r"std|sigma(?!.*(\*\*|square|pow))|scale", spelled) and not re.search(
            r"\*\*|square|pow|var|log", spelled
        ):
            yield Seen(
                f"the third argument is the variance, and {spelled} is given", call.op.place.line, severity="warning"
            )

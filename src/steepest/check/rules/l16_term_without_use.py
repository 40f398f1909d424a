"""A term of the loss that is computed and never used."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..seeing import number


@check(
    code="L16",
    title="a term of the loss is computed and never added",
    damage="What the term should teach is not taught, though the code looks as if it were.",
    repair="Add it to the loss, or delete the line.",
    bad=training(
        step=STEP.replace("loss.backward()", "penalty = F.l1_loss(model(xb), torch.zeros(len(xb), 3))\nloss.backward()")
    ),
    good=training(
        step=STEP.replace(
            "loss.backward()",
            "penalty = F.l1_loss(model(xb), torch.zeros(len(xb), 3))\nloss = loss + penalty\nloss.backward()",
        )
    ),
    needs="source",
    certainty="likely",
    severity="warning",
    source="which results go into which",
)
def term_without_use(facts: Facts) -> Iterator[Seen]:
    lines = set()
    for call in facts.run.losses if facts.run else ():
        op = call.op
        out = op.out_tensor
        if op.used or not op.grad or call.error or out is None or not out.requires_grad or op.place.line in lines:
            continue
        if any(b.op is op or b.place.line == op.place.line for b in facts.run.backwards):
            continue
        lines.add(op.place.line)
        yield Seen(f"the result of {op.name} = {number(out.detach().float().mean())} goes into nothing", op.place.line)
    if facts.source:
        for line, name in facts.source.unused_terms():
            if line not in lines:
                yield Seen(f"{name} is computed from the model's output and never read", line)

"""A loss that prefers wrong answers to right ones."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.network import sign_turned
from ..reading.targets import larger_is_better
from ..seeing import first_kept, number


@check(
    code="L13",
    title="the sign of the loss is wrong",
    damage=("The optimizer makes the loss small, and here small means wrong: training leads away from the answer."),
    repair="Turn the sign: minimise 1 - dice, -log_likelihood, -correlation.",
    bad=training(
        data=BINARY,
        model=MLP1,
        loss="""
def loss_fn(output, target):
    p = torch.sigmoid(output)
    return (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)
""",
    ),
    good=training(
        data=BINARY,
        model=MLP1,
        loss="""
def loss_fn(output, target):
    p = torch.sigmoid(output)
    return 1 - (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)
""",
    ),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="https://github.com/akirasosa/mobile-semantic-segmentation/issues/24: dice instead of 1 - dice",
)
def wrong_sign(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(larger_is_better)
    yield from facts.read(sign_turned)
    for seen in first_kept(facts.run) if facts.run else ():
        found = facts.run.look.prefers_wrong(seen)
        if found is not None:
            right, wrong = found
            yield Seen(
                f"a perfect output would score {number(right)}, one made for other samples' targets {number(wrong)}: smaller, so better",
                seen.place.line,
            )

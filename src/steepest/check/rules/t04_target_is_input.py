"""A language model whose target is its own input, not shifted."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import TOKENS, WORDS, training
from ..facts import Facts
from ..finding import Seen
from ..reading.sequences import unmoved_target
from ..running.graph import unflattened
from ..seeing import losses, shown


@check(
    code="T04",
    title="the target equals the input",
    damage=("The model learns to copy the token that it is shown: the loss goes to 0 and it can predict nothing."),
    repair="Shift by one: inputs tokens[:, :-1], targets tokens[:, 1:].",
    bad=training(
        data=TOKENS.replace("text[:, 1:]", "text[:, :-1]"),
        model=WORDS,
    ),
    good=training(
        data=TOKENS,
        model=WORDS,
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/Project-MONAI/GenerativeModels/issues/314: trained to predict token N given tokens 0 to N",
)
def target_is_input(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(unmoved_target)
    for call, _, _ in losses(facts, "cross_entropy", "nll_loss"):
        start = unflattened(call.op.ref(1, "target"))
        target = start.tensor if start else None
        if target is None or target.is_floating_point() or target.dim() < 1 or target.numel() < 16:
            continue
        for model in facts.run.calls if facts.run else ():
            tokens = model.inputs[0] if model.inputs else None
            if (
                tokens is None
                or tokens.is_floating_point()
                or tokens.numel() != target.numel()
                or model.step != call.op.step
            ):
                continue
            if (
                tokens.dim() == 2
                and bool((tokens.flatten() == target.flatten()).all())
                and facts.run.look.is_causal(model)
            ):
                yield Seen(
                    f"all {target.numel()} targets equal the tokens of the input {shown(tokens.shape)} at the same place",
                    call.op.place.line,
                )
                return

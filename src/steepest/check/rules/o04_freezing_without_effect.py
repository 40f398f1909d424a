"""Freezing that freezes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen


@check(
    code="O04",
    title="freezing has no effect",
    damage=(
        "Setting a misspelt attribute, or requires_grad on a module, changes nothing: the layers that "
        "should rest are trained."
    ),
    repair="for p in module.parameters(): p.requires_grad_(False), or module.requires_grad_(False).",
    bad=training(model=MLP3 + "for p in model[0].parameters():\n    p.require_grad = False\n"),
    good=training(model=MLP3 + "for p in model[0].parameters():\n    p.requires_grad = False\n"),
    needs="source",
    certainty="proven",
    severity="warning",
    source="https://github.com/udacity/deep-learning-v2-pytorch/issues/12: require_grad",
)
def freezing_without_effect(facts: Facts) -> Iterator[Seen]:
    found = False
    for module in facts.run.models() if facts.run else ():
        for name, part in module.named_modules():
            if "requires_grad" in vars(part):
                found = True
                yield Seen(
                    f"requires_grad is set on the module {name or 'model'} ({type(part).__name__}), where it means nothing",
                    _line(facts, ".requires_grad"),
                )
        wrong = {key for p in module.parameters() for key in vars(p) if NEAR.search(key) and key != "requires_grad"}
        if wrong:
            found = True
            yield Seen(
                f"parameters bear the attribute {sorted(wrong)[0]!r}, and requires_grad is still True",
                _line(facts, sorted(wrong)[0]),
            )
    if facts.source and not found:
        for line, what in facts.source.freezing_without_effect():
            yield Seen(what, line)


NEAR = re.compile(r"requ?i?re?s?_?grad|grad_?requ|trainable|freeze|frozen|require", re.IGNORECASE)


def _line(facts: Facts, word: str) -> int:
    return facts.source.line_with(word) if facts.source else 0

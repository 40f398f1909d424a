"""Inputs and labels that were put in different orders."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import CLASSES, training
from ..facts import Facts
from ..finding import Seen


@check(
    code="T08",
    title="inputs and labels are no longer in the same order",
    damage=("Every sample bears another sample's label: the model learns at most the shares of the classes."),
    repair="Index both with the same permutation: X[order], y[order].",
    bad=training(data=CLASSES + "X = X[torch.randperm(len(X))]\n"),
    good=training(data=CLASSES + "order = torch.randperm(len(X))\nX, y = X[order], y[order]\n"),
    needs="source",
    certainty="likely",
    severity="warning",
    source="arithmetic: two permutations drawn apart agree in one row on average",
)
def shuffled_apart(facts: Facts) -> Iterator[Seen]:
    if facts.source:
        for line, name, other in facts.source.shuffled_apart():
            yield Seen(f"{name} is put in a random order, {other} is not put in the same", line)

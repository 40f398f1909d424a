"""Every arm against every other: how often would it win on a fresh seed?"""

from __future__ import annotations

from functools import partial

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Figure, Key
from ..charts.matrix import Cell, matrix
from ..estimates import compare_pairs
from ..names import CLOSE, OPEN
from ..numbers import probability
from ..view import View

MOST = 10


@section(order=40, question="How often does one beat the other?")
def pairwise(study: Study) -> Block | None:
    view = View(study)
    arms = [a for a in view.ranked if view.runs(a, "race") or view.runs(a, "confirm")]
    arms = arms[:MOST] + [a for a in arms[MOST:] if view.role[a] != "other"]
    cells = [c for i, a in enumerate(arms) for b in arms[i + 1 :] for c in _cells(view, a, b)]
    if not cells:
        return None
    labels = [view.label[a] for a in arms if any(c.row == view.label[a] for c in cells)]
    first = min((c for c in cells if c.row == labels[0]), key=lambda c: c.p)
    answer = (
        f"Its hardest pairing: {OPEN}{first.row}{CLOSE} beats {OPEN}{first.column}{CLOSE} on a fresh seed with probability {probability(first.p)}, "
        "where 0.50 is a coin."
    )
    figure = Figure(
        partial(matrix, cells, labels),
        alt="; ".join(c.text for c in cells if labels.index(c.row) < labels.index(c.column)),
        caption="A cell is P(row beats column). Bold: fresh seeds and the test part. Others: seeds of the race that both arms ran, on the select part. Empty: no two common seeds.",
        keys=[Key("band", "winner", "row is ahead"), Key("band", "baseline", "column is ahead")],
    )
    return Block(answer, [figure])


def _cells(view: View, a: str, b: str) -> list[Cell]:
    found = compare_pairs(view, a, b)
    if found is None:
        return []
    d, phase = found
    rows = [(a, b, d.p_better), (b, a, 1.0 - d.p_better)]
    return [
        Cell(
            view.label[x],
            view.label[y],
            p,
            f"{view.label[x]} beats {view.label[y]} with probability {probability(p)} ({d.n} seeds, {phase})",
            phase == "confirm",
        )
        for x, y, p in rows
    ]

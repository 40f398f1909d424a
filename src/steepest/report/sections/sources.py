"""Whose ideas these are: a citation for each item that the arms used, and for the method."""

from __future__ import annotations

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Column, Table
from ..names import clean


@section(order=160, question="Whose ideas are these?")
def sources(study: Study) -> Block | None:
    cited = {name: source for name, source in study.plan.sources.items() if source}
    if not cited:
        return None
    rows = [[clean(name, 60), clean(source, 400)] for name, source in sorted(cited.items())]
    return Block(
        "Cite these when you publish with what this study used.",
        [Table([Column("Item"), Column("Source", wide=True)], rows)],
    )

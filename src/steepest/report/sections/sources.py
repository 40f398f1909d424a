"""Whose ideas these are: a citation for each item that the arms used, and for the statistics behind the verdict."""

from __future__ import annotations

from steepest.core.declare import section
from steepest.results.cited import citations
from steepest.results.records import Study

from ..blocks import Block, Code, Column, Part, Table
from ..names import clean, listed, plain_lines

MOST = 40_000


@section(order=160, question="Whose ideas are these?")
def sources(study: Study) -> Block | None:
    if not any(study.plan.sources.values()):
        return None
    cited = citations(study)
    rows = [[clean(work.text, 400), clean(listed(names, 6), 300)] for work, names in cited.uses.items()]
    rows += [[clean(source, 400), clean(name, 60)] for name, source in cited.unpublished.items()]
    parts: list[Part] = [Table([Column("Source", wide=True), Column("Used for")], rows)]
    if cited.uses:
        parts.append(Code(plain_lines(cited.bibtex)[:MOST], "BibTeX"))
    return Block("Cite these when you publish with what this study used.", parts)

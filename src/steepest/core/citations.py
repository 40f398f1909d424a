"""Declared sources as references: a line to read and an entry for BibTeX, with nothing in them that is not declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NAME = r"(?:(?:van|von|de|den|der|du|la|le) )*[A-ZÀ-ÖØ-Þ][\w.'-]+(?: [IVX]+\b)?"
WORK = re.compile(
    rf"^(?:[^:,;]*?: )?(?P<authors>{NAME}(?:(?:, | & | and ){NAME})*(?: et al\.)?) "
    r"(?P<year>(?:1[6-9]|20)\d\d)(?:\b,? ?(?P<rest>.*))?$"
)
ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5})")
DOI = re.compile(r"\bdoi:(10\.\d{4,9}/\S*[^\s,.;)])")
PAGE = re.compile(r"\b(?:https?://)?((?:[a-z0-9-]+\.)+(?:org|net|cc|com|io|edu|press)/[^\s,;)]+)")


@dataclass(frozen=True)
class Work:
    """One publication as a declaration names it. note: title or venue, as far as they are there."""

    authors: str
    year: int
    arxiv: str = ""
    doi: str = ""
    url: str = ""
    note: str = ""

    @property
    def address(self) -> str:
        """Where it is found on the web; empty where the declaration does not say."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else f"https://{self.url}" if self.url else ""

    @property
    def text(self) -> str:
        identifier = f"doi:{self.doi}" if self.doi else f"arXiv:{self.arxiv}" if self.arxiv else self.url
        return ", ".join(part for part in (f"{self.authors} {self.year}", self.note, identifier) if part)

    def bibtex(self, key: str, used_for: str) -> str:
        """An entry of kind misc: titles and journals are in the note, as far as they were declared."""
        names = self.authors.replace(" et al.", " and others").replace(" & ", " and ").replace(", ", " and ")
        fields = {"author": names, "year": str(self.year)}
        if self.arxiv:
            fields |= {"eprint": self.arxiv, "archiveprefix": "arXiv"}
        if self.doi:
            fields["doi"] = self.doi
        if self.address:
            fields["url"] = self.address
        fields["note"] = "; ".join(part for part in (self.note, f"for {used_for}") if part)
        lines = [f"  {name} = {{{_escaped(value, name)}}}," for name, value in fields.items()]
        return "\n".join([f"@misc{{{key},", *lines, "}"])


def works_in(source: str) -> list[Work]:
    """The publications that a `source=` text names; what it says of ranges, forms and programs is left out.

    >>> [w.text for w in works_in("Good 1952, doi:10.1111/x; label smoothing: Szegedy et al. 2016, arXiv:1512.00567")]
    ['Good 1952, doi:10.1111/x', 'Szegedy et al. 2016, arXiv:1512.00567']
    """
    parts = re.split(rf";\s*|,? and (?={NAME}(?: et al\.)? \d{{4}})", source)
    found = (WORK.match(part.strip()) for part in parts)
    return [_work(match) for match in found if match]


@dataclass(frozen=True)
class Citations:
    """References of what was used, in the order of their authors. Printed: lines to read, then BibTeX.

    uses: work -> what it is cited for. declared: name -> its source, word by word.
    """

    uses: Mapping[Work, list[str]]
    declared: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(sources: Mapping[str, str]) -> Citations:
        """From name -> declared source; works that several names share stand once."""
        uses: dict[Work, list[str]] = {}
        for name, source in sources.items():
            for work in works_in(source):
                uses.setdefault(work, []).append(name)
        ordered = sorted(uses.items(), key=lambda entry: (entry[0].authors.lower(), entry[0].year))
        return Citations({work: list(dict.fromkeys(names)) for work, names in ordered}, dict(sources))

    @property
    def text(self) -> str:
        """One line per work, and one for each name whose source is a program or nobody's."""
        lines = [f"{work.text} ({', '.join(names)})" for work, names in self.uses.items()]
        return "\n".join([*lines, *(f"{name}: {source}" for name, source in self.unpublished.items())])

    @property
    def unpublished(self) -> dict[str, str]:
        """Name -> source, where the source is a program, or no work with a year."""
        return {name: source for name, source in self.declared.items() if source and not works_in(source)}

    @property
    def bibtex(self) -> str:
        keys = _keys(self.uses)
        return "\n\n".join(work.bibtex(keys[work], ", ".join(names)) for work, names in self.uses.items())

    def __str__(self) -> str:
        return "\n\n".join(part for part in (self.text, self.bibtex) if part)

    __repr__ = __str__


def _work(match: re.Match[str]) -> Work:
    rest = match["rest"] or ""
    arxiv, doi = ARXIV.search(rest), DOI.search(rest)
    page = PAGE.search(DOI.sub("", ARXIV.sub("", rest)))
    note = PAGE.sub("", DOI.sub("", ARXIV.sub("", rest)))
    note = re.sub(r"(?:^|(?<=,))\s*(?:,|$)", "", re.sub(r"\s+", " ", note)).strip(" ,")
    return Work(
        authors=match["authors"],
        year=int(match["year"]),
        arxiv=arxiv[1] if arxiv else "",
        doi=doi[1] if doi else "",
        url=page[1] if page else "",
        note=note if note[:1].isupper() else "",
    )


def _keys(works: Iterable[Work]) -> dict[Work, str]:
    """lin2017, and lin2017b for another work of the same."""
    keys: dict[Work, str] = {}
    for work in works:
        first = re.split(r",| &| and | et al", work.authors)[0].split()[-1]
        base = re.sub(r"[^a-z]", "", first.lower()) + str(work.year)
        n = sum(key.rstrip("bcdefghij") == base for key in keys.values())
        keys[work] = base + (chr(ord("a") + n) if n else "")
    return keys


def _escaped(text: str, name: str) -> str:
    """What LaTeX would take for a command; identifiers are printed by packages that know better."""
    return text if name in ("doi", "eprint", "url") else re.sub(r"([&%$#_])", r"\\\1", text)

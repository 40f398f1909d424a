"""What is known about an item, as plain values: the terminal, the notebook and the chart draw from it alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """One line of a panel."""

    label: str
    y: list[float]


@dataclass(frozen=True)
class Panel:
    """Lines over the same x. is_log: the y axis is logarithmic."""

    title: str
    x_title: str
    x: list[float]
    series: list[Series]
    is_log: bool = False


@dataclass(frozen=True)
class Parameter:
    """One row of the table of hyperparameters, each cell as text."""

    name: str
    default: str
    allowed: str
    searched: str


@dataclass(frozen=True)
class Facts:
    """formula: text of several lines; latex; both "" where no closed form is declared.

    avoid: when not to choose it. differs: (what another library calls it, where that departs from ours).
    details: (label, text) pairs of what only this kind of item has. uses: how it is written in Python and as a command.
    """

    name: str
    kind: str
    purpose: str
    use: str
    avoid: str
    formula: str
    latex: str
    details: list[tuple[str, str]]
    parameters: list[Parameter]
    claims: list[str]
    twin: str
    differs: list[tuple[str, str]]
    source: str
    file: str
    code: str
    uses: list[tuple[str, str]]
    panels: list[Panel]
    namesakes: list[str]

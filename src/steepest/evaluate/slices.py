"""Parts of the data against the rest: where the model is worse, corrected for having looked at many parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
import torch
from torch import Tensor

from steepest.core.errors import DataError, UsageError
from steepest.core.interval import wilson
from steepest.results.racing import holm

from .answers import Answers
from .record import Slice

FEW = 20
MOST_WORDS = 20
FEW_NUMBERS = 10
QUARTERS = (0.25, 0.5, 0.75)
Row = tuple[float, float, float, float, float, float, float, float]
"""score, its interval, the rest's score, difference, its interval, p."""


def masks(asked: Mapping[str, Any], n_rows: int) -> dict[str, Tensor]:
    """A mask (N,) for each part. A column of truth values is one part; of words or few whole numbers, one for each of
    its values; of other numbers, its quarters."""
    found: dict[str, Tensor] = {}
    for name, given in asked.items():
        column = numpy.asarray(given)
        if column.shape != (n_rows,):
            raise DataError(
                where=f"slices[{name!r}]",
                seen=f"it has shape {column.shape} and there are {n_rows} rows",
                needed="one value for each row was needed",
                repair="A mask, or a column of the same table, in the same order.",
            )
        found |= _parts(str(name), column)
    return {name: mask for name, mask in found.items() if 0 < int(mask.sum()) < n_rows}


def _parts(name: str, column: Any) -> dict[str, Tensor]:
    if column.dtype == bool:
        return {name: torch.tensor(column)}
    if column.dtype.kind in "OUS":
        column = column.astype(str)
    is_missing = numpy.isnan(column) if column.dtype.kind == "f" else numpy.zeros(len(column), dtype=bool)
    found = {f"{name} missing": torch.tensor(is_missing)} if is_missing.any() else {}
    values = numpy.unique(column[~is_missing])
    if len(values) <= (FEW_NUMBERS if column.dtype.kind == "f" else MOST_WORDS):
        return {f"{name} = {_word(value)}": torch.tensor(column == value) for value in values} | found
    if column.dtype.kind not in "iuf":
        raise UsageError(
            where=f"slices[{name!r}]",
            seen=f"{len(values)} different values",
            needed=f"at most {MOST_WORDS}, or numbers, were needed",
            repair="Group the values first, by pandas' map or cut.",
        )
    edges = numpy.unique(numpy.nanquantile(column, QUARTERS))
    parts = {f"{name} <= {edges[0]:.4g}": column <= edges[0]}
    for low, high in zip(edges, edges[1:]):
        parts[f"{low:.4g} < {name} <= {high:.4g}"] = (column > low) & (column <= high)
    parts[f"{name} > {edges[-1]:.4g}"] = column > edges[-1]
    return {label: torch.tensor(mask) for label, mask in parts.items()} | found


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def slices(found: Answers, asked: Mapping[str, Any], level: float) -> list[Slice]:
    """Each part against all other rows, the worst first."""
    parts = masks(asked, len(found))
    is_share = found.kind == "classification"
    scores = found.losses if found.kind == "regression" else found.is_right
    rows = [(_share if is_share else _mean)(scores[mask], scores[~mask], level) for mask in parts.values()]
    corrected = holm([row[-1] for row in rows])
    made = [
        Slice(name, int(mask.sum()), *row, p_holm=p_holm, note=_note(mask))
        for (name, mask), row, p_holm in zip(parts.items(), rows, corrected)
    ]
    sign = -1.0 if found.kind == "regression" else 1.0
    return sorted(made, key=lambda s: (s.p_holm, sign * s.difference))


def _note(mask: Tensor) -> str:
    few = min(int(mask.sum()), int((~mask).sum()))
    return f"only {few} rows" if few < FEW else ""


def _share(part: Tensor, rest: Tensor, level: float) -> Row:
    """Of shares, with Fisher's exact test. Source: Newcombe 1998, method 10, Statistics in Medicine 17, 873-890"""
    from scipy.stats import fisher_exact

    hits, tries = (torch.tensor([f(part), f(rest)], dtype=torch.float64) for f in (torch.sum, len))
    share = hits / tries
    low, high = wilson(hits, tries, level)
    down = ((share[0] - low[0]).square() + (high[1] - share[1]).square()).sqrt()
    up = ((high[0] - share[0]).square() + (share[1] - low[1]).square()).sqrt()
    difference = share[0] - share[1]
    _, p = fisher_exact([[hits[0], tries[0] - hits[0]], [hits[1], tries[1] - hits[1]]])
    ends = float(difference - down), float(difference + up)
    return float(share[0]), float(low[0]), float(high[0]), float(share[1]), float(difference), *ends, float(p)


def _mean(part: Tensor, rest: Tensor, level: float) -> Row:
    """The same of means, by Welch's t."""
    from scipy.stats import ttest_1samp, ttest_ind

    one, other = float(part.mean()), float(rest.mean())
    if min(len(part), len(rest)) < 2:
        nan = float("nan")
        return one, nan, nan, other, one - other, nan, nan, 1.0
    low, high = ttest_1samp(part.numpy(), 0.0).confidence_interval(level)
    both = ttest_ind(part.numpy(), rest.numpy(), equal_var=False)
    if not numpy.isfinite(both.pvalue):  # neither varies
        return one, one, one, other, one - other, one - other, one - other, float(one == other)
    down, up = both.confidence_interval(level)
    return one, float(low), float(high), other, one - other, float(down), float(up), float(both.pvalue)

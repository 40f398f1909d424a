"""Cuts data into train, select and test: the test part once for a whole study, train and select anew for every seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from steepest.core.errors import DataError, UsageError
from steepest.core.streams import generator


@dataclass(frozen=True)
class Split:
    """Row numbers (int64) of the three parts; none is in two of them."""

    train: Tensor
    select: Tensor
    test: Tensor


def check_shares(select_share: float, test_share: float) -> None:
    for name, share in (("select_share", select_share), ("test_share", test_share)):
        if not 0 < share < 1:
            raise UsageError(
                where="split",
                seen=f"{name} is {share!r}",
                needed="a share between 0 and 1 was needed",
                repair="0.2 is usual.",
            )
    if select_share + test_share >= 1:
        raise UsageError(
            where="split",
            seen=f"select_share {select_share:g} and test_share {test_share:g} leave nothing to train on",
            needed="their sum must be below 1",
            repair="0.2 and 0.2 are usual.",
        )


def set_aside(n_rows: int, share: float, labels: Tensor | None, stream: torch.Generator) -> tuple[Tensor, Tensor]:
    """(row numbers kept, row numbers set aside), each sorted; round(share * n_rows) rows are set aside.

    With labels every class gives its share to within one row, and keeps at least one row.
    """
    n_aside = round(share * n_rows)
    order = torch.randperm(n_rows, generator=stream)
    if labels is None:
        aside = order[:n_aside]
    else:
        by_class = [order[labels[order] == c] for c in labels.unique()]
        quotas = shares_of([len(rows) for rows in by_class], n_aside)
        aside = torch.cat([rows[:quota] for rows, quota in zip(by_class, quotas)])
    is_aside = torch.zeros(n_rows, dtype=torch.bool)
    is_aside[aside] = True
    return (~is_aside).nonzero().squeeze(1), is_aside.nonzero().squeeze(1)


def shares_of(sizes: Sequence[int], total: int) -> list[int]:
    """Whole numbers in proportion to sizes that add up to total (largest remainders first), each below its size.

    >>> shares_of([50, 30, 1], 16)
    [10, 6, 0]
    """
    exact = [size * total / sum(sizes) for size in sizes]
    quotas = [min(int(e), size - 1) for e, size in zip(exact, sizes)]
    by_remainder = sorted(range(len(sizes)), key=lambda c: quotas[c] - exact[c])
    while sum(quotas) < total:
        room = [c for c in by_remainder if quotas[c] < sizes[c] - 1]
        if not room:
            break
        for c in room[: total - sum(quotas)]:
            quotas[c] += 1
    return quotas


def draw_split(
    n_rows: int,
    labels: Tensor | None,
    seed: int,
    *,
    study_seed: int,
    select_share: float,
    test_share: float,
    own_test: bool = False,
) -> Split:
    """Train and select depend on the study's seed and the trial's, the test part on the study's alone, or with own_test
    on both. Shares are of all rows.
    """
    drawn = generator("test part", study_seed, seed) if own_test else generator("test part", study_seed)
    rest, test = set_aside(n_rows, test_share, labels, drawn)
    share = min(1.0, select_share * n_rows / max(len(rest), 1))
    keep, aside = set_aside(
        len(rest), share, None if labels is None else labels[rest], generator("split", study_seed, seed)
    )
    split = Split(rest[keep], rest[aside], test)
    for name in ("train", "select", "test"):
        if len(getattr(split, name)) == 0:
            raise DataError(
                where="split",
                seen=f"{n_rows} rows leave none for the {name} part",
                needed="at least one row was needed in each part",
                repair="Bring more rows, or change select_share and test_share.",
            )
    return split

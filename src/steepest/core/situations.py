"""Situations: what may be known of a task and its data before training, and so speaks for one loss or another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .errors import DeclarationError, did_you_mean

SITUATIONS = {
    "default": "what the others must beat",
    "anything": "often as good as the default or better, whatever the data",
    "imbalanced": "some classes are much rarer than others",
    "outliers": "some targets are far from all others",
    "noisy-labels": "some labels are wrong",
}
WORDS = {
    "imbalanced": r"imbalance|rare class|long[- ]tail|few positives",
    "outliers": r"(?<!no )\boutliers",
    "noisy-labels": r"some are wrong|noisy label|wrong label|label noise|mislabel",
}
"""How a `use` sentence says it, for losses that declare no situation themselves."""


def known_situations(where: str, named: Sequence[str]) -> tuple[str, ...]:
    """The named situations, or the error that says which one is unknown."""
    for name in named:
        if name not in SITUATIONS:
            raise DeclarationError(
                where=where,
                seen=f"good_for names {name!r}",
                needed=f"each must be one of {', '.join(SITUATIONS)}",
                repair=did_you_mean(name, SITUATIONS),
            )
    return tuple(named)


def situations_of(good_for: Sequence[str], use: str) -> tuple[str, ...]:
    """What is declared, or else what the `use` sentence speaks of."""
    return tuple(good_for) or tuple(name for name, words in WORDS.items() if re.search(words, use, re.IGNORECASE))

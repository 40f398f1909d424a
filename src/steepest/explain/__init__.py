"""Explain: formula, curve, parameters, use, twin and source of any item, from its declaration alone."""

from __future__ import annotations

from steepest.core.item import Item

from .backward import NAMES, Lesson
from .candidates import Suggestion, Suggestions, suggest
from .explanation import Explanation
from .find import CATALOGUES, find

__all__ = ["CATALOGUES", "Explanation", "Suggestion", "Suggestions", "explain", "find", "suggest"]


def explain(item: str | Item) -> Explanation | Lesson:
    """What an item is, when to choose it and what it does; or what `backward` does.

    item: a name ("focal"), with options ("focal(gamma=5)"), a class name ("AdamW", "torch.nn.HuberLoss"), a name with
    its catalogue where two share one ("schedules.linear"), or the item itself.
    Raises UnknownName, with the nearest names.
    """
    return Lesson() if item in NAMES else Explanation(find(item))

"""Suggest: which losses and weightings are worth trying for a task, each with its reason, from the declarations alone."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from steepest import losses
from steepest.core.errors import unknown_name
from steepest.core.item import REQUIRED
from steepest.core.loss import Loss
from steepest.core.situations import SITUATIONS, situations_of
from steepest.losses import weightings

WEIGHED_TASK = "classification"
WEIGHTINGS = ("none", "square_root", "inverse_frequency", "effective_number")
SPECIAL = 3
"""The rank of losses for which nothing speaks that is known."""
IMBALANCE = 3
"""Classes are called imbalanced when the largest has this many times the samples of the smallest."""


@dataclass(frozen=True)
class Suggestion:
    """kind: "loss" or "weighting". because: why it is on the list; use and avoid: when to choose it and when not, in its words."""

    kind: str
    name: str
    because: str
    use: str
    avoid: str = ""


class Suggestions(list[Suggestion]):
    """Candidates, the default first; printed as a text."""

    @property
    def losses(self) -> list[str]:
        """The names of the losses."""
        return [one.name for one in self if one.kind == "loss"]

    @property
    def weightings(self) -> list[str]:
        """The names of the weightings."""
        return [one.name for one in self if one.kind == "weighting"]

    def __str__(self) -> str:
        return self.render()

    def render(self, width: int = 100) -> str:
        """A paragraph for each: why it is on the list, when to take it, when not."""
        margin = max((len(one.name) for one in self), default=0) + 2
        wrap = textwrap.TextWrapper(max(30, width - margin), break_on_hyphens=False, break_long_words=False)
        lines = []
        for one in self:
            told = [f"{one.kind}: {one.because}", one.use, *([f"Not: {one.avoid}"] if one.avoid else [])]
            wrapped = [line for text in told for line in wrap.wrap(text)]
            lines += [f"{one.name if i == 0 else '':{margin}}{line}" for i, line in enumerate(wrapped)]
        return "\n".join(lines)


def suggest(task: str, *, imbalanced: bool = False, outliers: bool = False, noisy_labels: bool = False) -> Suggestions:
    """Losses and weightings worth trying: the default of the task, those for what you know of the data, then good all-rounders
    that do not say themselves that such data are not for them.

    task: "classification", "binary", "regression", "counts", ... as the losses declare it. With nothing known, all losses of
    the task are listed, the special ones last. Raises UnknownName for a task that no loss has.
    """
    tasks = sorted({t for loss in losses for t in loss.task})
    if task not in tasks:
        raise unknown_name("suggest", task, "task", tasks)
    flags = {"imbalanced": imbalanced, "outliers": outliers, "noisy-labels": noisy_labels}
    known = [name for name, holds in flags.items() if holds]
    found = Suggestions(one for rank, one in _ranked(task, known) if rank < SPECIAL or not known)
    if imbalanced and task == WEIGHED_TASK:
        found += [_weighting(name) for name in WEIGHTINGS if name in weightings]
    return found


def _ranked(task: str, known: Sequence[str]) -> list[tuple[int, Suggestion]]:
    """Every loss of the task with its rank, the best first."""
    found = []
    for loss in losses:
        if task in loss.task:
            rank, because = _standing(loss, known)
            found.append((rank, Suggestion("loss", loss.name, because, loss.use, loss.avoid)))
    return sorted(found, key=lambda each: (each[0], each[1].name))


def _standing(loss: Loss, known: Sequence[str]) -> tuple[int, str]:
    """0 the default, 1 for what is known, 2 an all-rounder that nothing known speaks against, SPECIAL any other."""
    situations = situations_of(loss.good_for, loss.use)
    if "default" in situations:
        return 0, SITUATIONS["default"]
    fitting = [SITUATIONS[name] for name in known if name in situations]
    if fitting:
        return 1, "; ".join(fitting)
    against = set(known) & set(situations_of((), loss.avoid))
    if "anything" in situations and not against:
        return 2, SITUATIONS["anything"]
    return SPECIAL, "a special case, see its use"


def _weighting(name: str) -> Suggestion:
    because = SITUATIONS["default" if name == "none" else "imbalanced"]
    return Suggestion("weighting", name, because, weightings[name].use)


def auto_losses(task: str, counts: Sequence[int] | None, most: int = 6) -> list[str]:
    """The losses that a comparison takes when it is asked for "auto": plain ones that any model of the task can train.

    counts: samples of each class, or None. At most `most`: the default, those for imbalance where it is measured, all-rounders.
    """
    seen = [n for n in counts or [] if n]
    known = ["imbalanced"] if seen and max(seen) >= IMBALANCE * min(seen) else []
    names = [one.name for rank, one in _ranked(task, known) if rank < SPECIAL]
    return [name for name in names if _is_plain(losses[name])][:most]


def _is_plain(loss: Loss) -> bool:
    """It takes class indices or numbers, raw outputs of the model, and nothing that the user would have to set."""
    needed = [h.name for h in loss.hyper.values() if h.default is REQUIRED and h.name != "class_counts"]
    return loss.target.name in ("classes", "same") and loss.expects in ("logits", "values") and not needed

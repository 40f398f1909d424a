"""The declaration of a check: one mistake that ruins training silently. It knows no torch, so that scripts are read without it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
Needs = Literal["source", "batch", "gradients", "history"]
Certainty = Literal["proven", "likely"]


@dataclass(frozen=True)
class Check:
    """A mistake: the function looks at facts and yields findings; no evidence, no finding.

    title: the fact. damage: why it ruins training. repair: the act. bad and good: scripts that fire it and that do not; the
    tests run both. needs: the least that must be known. certainty: whether the evidence leaves another explanation.
    """

    fn: Callable[[Any], Iterable[Any]]
    code: str
    title: str
    damage: str
    repair: str
    bad: str
    good: str
    needs: Needs
    certainty: Certainty
    severity: Severity
    source: str

    kind = "check"

    @property
    def name(self) -> str:
        return self.fn.__name__

    @property
    def purpose(self) -> str:
        """The first line of the check's file."""
        return (sys.modules[self.fn.__module__].__doc__ or "").strip().split("\n")[0]

    def __call__(self, facts: Any) -> Iterable[Any]:
        return self.fn(facts)


def check(
    *,
    code: str,
    title: str,
    damage: str,
    repair: str,
    bad: str,
    good: str,
    needs: Needs,
    certainty: Certainty,
    severity: Severity,
    source: str,
) -> Callable[[Callable[[Any], Iterable[Any]]], Check]:
    """Declare a check (see Check)."""

    def declare(fn: Callable[[Any], Iterable[Any]]) -> Check:
        return Check(fn, code, title, damage, repair, bad, good, needs, certainty, severity, source)

    return declare

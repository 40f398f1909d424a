"""What lowers the learning rate by the scores of a run: a multiplier on top of any schedule, declared like one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .claims import Claim
from .domains import Search
from .item import Item


class Reduction(Item):
    """A multiplier that answers to scores: `(scores, *, best, hyper) -> multiplier`, a pure function of all so far.

    scores (n, *), float64: one row per evaluation, in their order, any number of trials beside each other; the
    multiplier is (*). best: "min" or "max", which scores are better. It lies among the schedules and multiplies them.
    """

    kind = "schedule"

    def __init__(
        self,
        fn: Callable[..., Tensor],
        *,
        use: str,
        source: str,
        formula: str = "",
        avoid: str = "",
        differs: Mapping[str, str] | None = None,
        claims: Sequence[Claim] = (),
        search: Mapping[str, Search] | None = None,
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search)
        self.formula, self.avoid, self.differs = formula, avoid, dict(differs or {})
        self.claims = tuple(claims)

    def __call__(self, scores: Tensor | Sequence[float], **hyper: Any) -> Tensor:
        """The multiplier after these scores: (n, *) -> (*), float64; 1 where there is none."""
        self.check_hyper(hyper)
        return self.fn(torch.as_tensor(scores, dtype=torch.float64), **hyper)


def reduction(
    *,
    use: str,
    source: str,
    formula: str = "",
    avoid: str = "",
    differs: Mapping[str, str] | None = None,
    claims: Sequence[Claim] = (),
    search: Mapping[str, Search] | None = None,
) -> Callable[[Callable[..., Tensor]], Reduction]:
    """Declare a reduction (see Reduction)."""

    def declare(fn: Callable[..., Tensor]) -> Reduction:
        return Reduction(
            fn, use=use, source=source, formula=formula, avoid=avoid, differs=differs, claims=claims, search=search
        )

    return declare

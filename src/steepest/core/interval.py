"""Intervals: of a share by Wilson or Clopper and Pearson, of anything else from its replicates, corrected for bias and skew."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Interval:
    """A value with the bounds that hold the true one in `level` of all samples; tensors of one shape, float64.

    n: samples it rests on (of equal weight). note: why it may cover less often than it says, or "".
    """

    value: Tensor
    low: Tensor
    high: Tensor
    level: float
    method: str
    n: float
    note: str = ""

    @property
    def is_flagged(self) -> bool:
        return bool(self.note)

    def __str__(self) -> str:
        """0.912 [0.874, 0.943]; one line for each value, then the note."""
        triples = zip(*(t.flatten().tolist() for t in (self.value, self.low, self.high)))
        lines = [f"{value:.4g} [{low:.4g}, {high:.4g}]" for value, low, high in triples]
        return "\n".join([*lines, *([self.note] if self.note else [])])


def normal_quantile(p: Tensor | float) -> Tensor:
    return torch.special.ndtri(torch.as_tensor(p, dtype=torch.float64))


def wilson(hits: Tensor, tries: Tensor, level: float) -> tuple[Tensor, Tensor]:
    """Of the share hits / tries; NaN without tries. Source: Wilson 1927, Journal of the American Statistical Association 22"""
    z = float(normal_quantile((1 + level) / 2))
    share = hits / tries
    middle = (share + z * z / (2 * tries)) / (1 + z * z / tries)
    half = z / (1 + z * z / tries) * (share * (1 - share) / tries + z * z / (4 * tries * tries)).sqrt()
    # at a share of 0 or 1 the bound is that share; rounding would leave 1e-17 of it
    low, high = torch.where(hits == 0, 0.0, middle - half), torch.where(hits == tries, 1.0, middle + half)
    return torch.where(tries > 0, low, torch.nan), torch.where(tries > 0, high, torch.nan)


def clopper_pearson(hits: Tensor, tries: Tensor, level: float) -> tuple[Tensor, Tensor]:
    """Of the share hits / tries: covers at least as often as it says. Source: Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404"""
    from scipy.special import betaincinv

    tail, misses = (1 - level) / 2, tries - hits
    x, n_misses = hits.numpy(force=True), misses.numpy(force=True)
    low = torch.as_tensor(betaincinv(x.clip(1e-300), n_misses + 1, tail))
    high = torch.as_tensor(betaincinv(x + 1, n_misses.clip(1e-300), 1 - tail))
    low, high = torch.where(hits.cpu() <= 0, 0.0, low), torch.where(misses.cpu() <= 0, 1.0, high)
    is_known = tries.cpu() > 0
    return torch.where(is_known, low, torch.nan), torch.where(is_known, high, torch.nan)


@dataclass(frozen=True, eq=False)
class Replicates:
    """values (R, *) of resampled states; without (G, *): the value without one unit, times (G, *) or (G,): of how many such units."""

    values: Tensor
    without: Tensor
    times: Tensor

    def __sub__(self, other: Replicates) -> Replicates:
        """Of the difference, where both were drawn alike."""
        return Replicates(self.values - other.values, self.without - other.without, self.times)

    @property
    def skew(self) -> Tensor:
        """The acceleration: a sixth of the skewness of the units' pull on the value."""
        times, pull = self._pull
        spread = (times * pull.square()).sum(0)
        return torch.where(spread > 0, (times * pull.pow(3)).sum(0) / (6 * spread.pow(1.5)), 0.0)

    @property
    def freedom(self) -> Tensor:
        """As freedom_of the units' pull on the value."""
        times, pull = self._pull
        return freedom_of((times * pull.square()).sum(0), (times * pull.pow(4)).sum(0), times.sum(0))

    @cached_property
    def _pull(self) -> tuple[Tensor, Tensor]:
        """How many such units there are, and how much each one adds to the value, (G, *)."""
        times = self.times.reshape(*self.times.shape, *(1,) * (self.without.dim() - self.times.dim()))
        known = torch.where(times > 0, self.without, 0.0)
        return times, torch.where(times > 0, (times * known).sum(0) / times.sum(0) - known, 0.0)


def freedom_of(squares: Tensor, fourths: Tensor, n: Tensor) -> Tensor:
    """Degrees of freedom of a variance that is a sum of squares: where a few units make up most of it, it is known badly.

    squares, fourths: the sums of the pulls' second and fourth powers over n units; for pulls from a normal distribution it is n.
    Source: the variance of a sum of squares, matched as by Satterthwaite 1946, doi:10.2307/3002019
    """
    uneven = fourths / squares.square() - 1 / n
    return torch.where((squares > 0) & (uneven > 0), 2 / uneven, torch.inf).clamp(min=2.0)


def t_quantile(p: float, freedom: Tensor) -> Tensor:
    """Of Student's distribution."""
    from scipy.special import ndtri, stdtrit

    found = torch.as_tensor(stdtrit(freedom.clamp(max=1e6).numpy(force=True), p), dtype=torch.float64)
    return torch.where(freedom.isinf(), float(ndtri(p)), found.to(freedom.device))


def from_replicates(value: Tensor, found: Replicates, level: float) -> tuple[Tensor, Tensor]:
    """Bias-corrected and accelerated percentiles of a value (*), a little further out where a few units decide.

    Where every replicate is the same, both bounds are that value. NaN where a replicate is.
    Source: Efron 1987, doi:10.1080/01621459.1987.10478410
    """
    replicates, skew, freedom = found.values, found.skew, found.freedom
    n = len(replicates)
    below = (replicates < value).double().sum(0) + (replicates == value).double().sum(0) / 2
    bias = normal_quantile((below / n).clamp(0.5 / n, 1 - 0.5 / n))
    ordered = replicates.sort(0).values
    bounds = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + t_quantile(tail, freedom)
        bounds.append(_quantile(ordered, torch.special.ndtr(bias + z / (1 - skew * z))))
    return bounds[0], bounds[1]


@dataclass(frozen=True)
class Grown:
    """For distances, which every sample makes too large: all true values under which the sample's is no surprise.

    The populations tried are the sample's with all its distances times c, for c from 0 on; that of c has c times the
    sample's own distance.

    raw: state -> what is compared, growing with the distance. of: (resampled state, the sample's) -> those of a sample
    from the population of each c of TIMES (*, c). whole: the sample's state -> the true value for c = 1. n_parts: the sample's state -> by
    how many numbers the spread of raw is known.
    """

    raw: Callable[..., Tensor]
    of: Callable[..., Tensor]
    whole: Callable[..., Tensor]
    n_parts: Callable[..., Tensor]

    def bounds(self, sample: Any, found: Tensor, level: float, **hyper: Any) -> tuple[Tensor, Tensor]:
        """found (R, *, c). The c at which the sample's value passes the upper and the lower end of what c gives."""
        ordered = found.sort(0).values
        raw, whole = self.raw(sample, **hyper), self.whole(sample, **hyper)
        tail = torch.special.ndtr(t_quantile((1 - level) / 2, self.n_parts(sample, **hyper).double())).unsqueeze(-1)
        ends = [_quantile(ordered, share.expand(ordered.shape[1:])) for share in (1 - tail, tail)]
        low, high = (whole * _where_passed(end.cummax(-1).values, raw) for end in ends)
        return low, high

    def note(self, raw: Tensor, found: Tensor, width: Tensor) -> str:
        """What is said where chance makes the value too large, by a tenth of the interval's width or more."""
        excess = found.mean(0)[..., TIMES.index(1.0)] - raw
        if not bool((excess > 0.1 * width).any()):
            return ""
        return f"Chance alone makes this value too large, by about {float(excess.max()):.2g}: the interval may miss the true one."


TIMES = (*(i / 8 for i in range(14)), 2.0, 2.5, 3.0)


def _where_passed(end: Tensor, raw: Tensor) -> Tensor:
    """The c, between those of TIMES in proportion, at which end (*, c) rises above raw (*); 0 where it always was."""
    times = torch.tensor(TIMES, dtype=end.dtype, device=end.device)
    after = (end < raw.unsqueeze(-1)).sum(-1, keepdim=True)
    place = after.clamp(1, len(TIMES) - 1)
    below, above = (end.gather(-1, place + i).squeeze(-1) for i in (-1, 0))
    share = ((raw - below) / (above - below)).nan_to_num(1.0).clamp(0, 1)
    first, last = times[place - 1].squeeze(-1), times[place].squeeze(-1)
    return torch.where(after.squeeze(-1) == 0, 0.0, first + share * (last - first))


def _quantile(ordered: Tensor, share: Tensor) -> Tensor:
    """ordered (R, *) at a share (*) of its own for each entry, between neighbours in proportion."""
    place = (share * (len(ordered) + 1) - 1).clamp(0, len(ordered) - 1)
    place = torch.where(place.isnan(), 0.0, place)
    first = place.floor().long().clamp(max=max(len(ordered) - 2, 0))
    below, above = (
        ordered.gather(0, i.clamp(max=len(ordered) - 1).unsqueeze(0)).squeeze(0) for i in (first, first + 1)
    )
    found = below + (above - below) * (place - first)
    return torch.where(ordered.isnan().any(0), torch.nan, found)


def few(n: float, rarest: float) -> str:
    """The note where so few samples, or so few of one class, make the interval cover less often than it says."""
    if n < 200:
        return f"{_plain(n)} samples: with fewer than 200 the interval may hold the true value less often than it says."
    if rarest < 10:
        return f"A class has {_plain(rarest)} samples: with fewer than 10 the interval may be too narrow."
    return ""


def _plain(n: float) -> str:
    return str(int(n)) if n == math.floor(n) else f"{n:.1f}"

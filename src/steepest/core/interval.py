"""Intervals: of a share by Wilson or Clopper and Pearson, of anything else from its replicates, corrected for bias and skew."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

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
        times = self.times.reshape(*self.times.shape, *(1,) * (self.without.dim() - self.times.dim()))
        known = torch.where(times > 0, self.without, 0.0)
        pull = torch.where(times > 0, (times * known).sum(0) / times.sum(0) - known, 0.0)
        spread = (times * pull.square()).sum(0)
        return torch.where(spread > 0, (times * pull.pow(3)).sum(0) / (6 * spread.pow(1.5)), 0.0)


def from_replicates(value: Tensor, found: Replicates, level: float) -> tuple[Tensor, Tensor]:
    """Bias-corrected and accelerated percentiles of a value (*).

    Where every replicate is the same, both bounds are that value. NaN where a replicate is.
    Source: Efron 1987, doi:10.1080/01621459.1987.10478410
    """
    replicates, skew = found.values, found.skew
    n = len(replicates)
    below = (replicates < value).double().sum(0) + (replicates == value).double().sum(0) / 2
    bias = normal_quantile((below / n).clamp(0.5 / n, 1 - 0.5 / n))
    ordered = replicates.sort(0).values
    bounds = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + normal_quantile(tail)
        bounds.append(_quantile(ordered, torch.special.ndtr(bias + z / (1 - skew * z))))
    return bounds[0], bounds[1]


@dataclass(frozen=True)
class Reflection:
    """For values that a sample makes too large, as every distance is: percentiles of the error instead of the value.

    raw: state -> an estimate without that bias, on a scale of its own; centre: state -> what the raw estimates of
    resampled states lie around; back: that scale -> the value's.
    """

    raw: Callable[..., Tensor]
    centre: Callable[..., Tensor]
    back: Callable[[Tensor], Tensor]

    def note(self, centre: Tensor, found: Replicates, width: Tensor) -> str:
        """What is said where chance makes the raw estimate too large all the same, by a tenth of the width or more."""
        excess = found.values.mean(0) - centre
        if not bool((excess > 0.1 * width).any()):
            return ""
        return f"Chance makes this value too large, by about {float(excess.max()):.2g}: the interval may miss the true one."

    def bounds(self, raw: Tensor, centre: Tensor, found: Replicates, level: float) -> tuple[Tensor, Tensor]:
        ordered = found.values.sort(0).values
        far, near = (_quantile(ordered, torch.full_like(raw, tail)) for tail in ((1 + level) / 2, (1 - level) / 2))
        return self.back(raw - (far - centre)), self.back(raw - (near - centre))


def not_below_zero(x: Tensor) -> Tensor:
    return x.clamp(min=0)


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

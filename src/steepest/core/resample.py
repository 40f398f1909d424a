"""Replicates of a metric: the values that samples like this one would have given, by drawing from it again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .errors import MetricError
from .interval import Replicates
from .rows import Rows
from .streams import generator
from .tally import Tally

MOST_BLOCKS = 2048
"""Additive states are drawn in blocks of samples: of 2048 blocks the spread comes out to 1.6 %, whatever N is."""
MOST_LEFT_OUT = 256
"""Units that are left out one by one for the skewness."""
MOST_NUMBERS = 2**23
"""Of one piece of the work."""

Value = Callable[[Any], Tensor]


class Drawn(NamedTuple):
    """Resampled states, a piece of several at a time, states without one unit each, and for how many units each stands."""

    states: Iterator[Any]
    left: Iterator[Any]
    times: Tensor


def replicates(
    tally: Tally, where: str, values: Sequence[Value], state: Any, n: int, seed: int, groups: Tensor | None = None
) -> list[Replicates]:
    """Of each value those of n resampled states, and those of the state without one unit each; all from the same draws.

    The same seed draws the same samples for every model and metric of as many rows, which makes differences paired.
    groups (N,): samples of one number are drawn together, as the pixels of one image.
    """
    drawn = _drawn(tally, where, state, n, seed, groups)
    of_states, of_left = ([[value(piece) for value in values] for piece in pieces] for pieces in drawn[:2])
    return [
        Replicates(torch.cat(own), torch.cat(without), drawn.times)
        for own, without in zip(zip(*of_states), zip(*of_left))
    ]


def _drawn(tally: Tally, where: str, state: Any, n: int, seed: int, groups: Tensor | None) -> Drawn:
    if isinstance(state, Rows):
        counted = tally.count(state)
        if isinstance(counted, Rows):
            return _by_weight(counted, n, seed, groups)
        states = tally.count(state.blocks(block_index(len(state), seed, groups)))
        assert isinstance(states, Tensor)
        return _by_blocks(states.movedim(state.n_lead, 0), n, seed)
    if tally.n_cells and groups is None and bool((state == state.round()).all()):
        return _by_cells(state, tally.n_cells, n, seed)
    raise MetricError(
        where=where,
        seen="a state that holds sums" + (" of weights, or groups" if tally.n_cells else ""),
        needed="the rows were needed: sums cannot be drawn again",
        repair=f"state = metrics.{where}.rows(prediction, target, weight), or running(keep_rows=True)",
    )


def block_index(n: int, seed: int, groups: Tensor | None = None) -> Tensor:
    """(G, b) places of the samples in blocks that are drawn as a whole, padded with -1: groups if given, else at random."""
    if groups is None:
        n_blocks = max(min(n, MOST_BLOCKS), 1)
        padded = torch.full((n_blocks * -(-n // n_blocks),), -1)
        padded[:n] = torch.randperm(n, generator=generator("blocks", seed)) if n > n_blocks else torch.arange(n)
        return padded.reshape(-1, n_blocks).T
    block = groups.cpu().unique(return_inverse=True)[1]
    sizes, order = block.bincount(), block.argsort(stable=True)
    start = sizes.cumsum(0) - sizes
    index = torch.full((len(sizes), int(sizes.max())), -1)
    index[block[order], torch.arange(n) - start[block[order]]] = order
    return index


def _draws(n_replicates: int, n_blocks: int, random: torch.Generator) -> Tensor:
    """How often each block is drawn, (R, G): n_blocks draws with replacement."""
    drawn = torch.randint(n_blocks, (n_replicates, n_blocks), generator=random)
    drawn += torch.arange(n_replicates).unsqueeze(1) * n_blocks
    return drawn.reshape(-1).bincount(minlength=n_replicates * n_blocks).reshape(n_replicates, n_blocks).double()


def _by_blocks(states: Tensor, n: int, seed: int) -> Drawn:
    """The states of the blocks (G, *), added up as often as each is drawn."""
    random, flat = generator("draws", seed), states.flatten(1)
    step = max(1, MOST_NUMBERS // max(max(flat.shape), 1))

    def summed() -> Iterator[Tensor]:
        for start in range(0, n, step):
            drawn = _draws(min(step, n - start), len(states), random).to(states.device)
            yield (drawn @ flat).reshape(-1, *states.shape[1:])

    # the sum is taken once over all the blocks, so that what is left of 0 is 0
    units = states if len(states) <= MOST_LEFT_OUT else _dealt(states, MOST_LEFT_OUT)
    return Drawn(summed(), iter([units.sum(0) - units]), torch.ones(len(units), device=states.device))


def _dealt(states: Tensor, n_units: int) -> Tensor:
    """The blocks (G, *), which lie in random order, added up to n_units."""
    place = torch.arange(len(states), device=states.device) % n_units
    return torch.zeros(n_units, *states.shape[1:], dtype=states.dtype, device=states.device).index_add_(
        0, place, states
    )


def _by_weight(rows: Rows, n: int, seed: int, groups: Tensor | None) -> Drawn:
    """The rows, weighted by how often they are drawn."""
    random = generator("draws", seed)
    block = torch.arange(len(rows)) if groups is None else groups.cpu().unique(return_inverse=True)[1]
    n_blocks = int(block.max()) + 1 if len(block) else 1
    step = max(1, MOST_NUMBERS // max(rows.prediction.numel(), 1))
    n_units = min(n_blocks, MOST_LEFT_OUT)
    unit = torch.randperm(n_blocks, generator=generator("blocks", seed))[block] % n_units
    kept = torch.arange(n_units).unsqueeze(1) != unit
    weighed = (rows.times(_draws(min(step, n - i), n_blocks, random)[:, block]) for i in range(0, n, step))
    left = (rows.times(part) for part in kept.split(step))
    return Drawn(weighed, left, torch.ones(n_units, device=rows.prediction.device))


def _by_cells(state: Tensor, n_cells: int, n: int, seed: int) -> Drawn:
    """Counts of as many samples, drawn from these counts: the work does not depend on how many samples were counted.

    Every model gets the same stream, whoever its neighbours are.
    """
    n_lead = state.dim() - n_cells
    flat = state.cpu().reshape(state.shape[:n_lead].numel(), state.shape[n_lead:].numel())
    step = max(1, MOST_NUMBERS // max(state.numel(), 1))

    def counts(shares: Tensor) -> Tensor:
        return shares.reshape(-1, *state.shape).to(state.device)

    drawn, left, times = _cells_left_out(flat, seed)
    states = (counts(torch.stack([one(min(step, n - i)) for one in drawn], 1)) for i in range(0, n, step))
    without = (counts(flat - part) for part in left.split(step))
    return Drawn(states, without, times.reshape(-1, *state.shape[:n_lead]).to(state.device))


def _cells_left_out(flat: Tensor, seed: int) -> tuple[list[Callable[[int], Tensor]], Tensor, Tensor]:
    """For counts of K models (K, cells): what draws from each; one sample of a cell (G, K, cells), sparse; how many such."""
    import numpy

    n_left = max(min(int((flat > 0).sum(1).max()) if flat.numel() else 0, MOST_LEFT_OUT), 1)
    left, times = (
        torch.zeros(n_left, *flat.shape, dtype=torch.float64),
        torch.zeros(n_left, len(flat), dtype=torch.float64),
    )
    drawn: list[Callable[[int], Tensor]] = []
    for k, counts in enumerate(flat):
        random = numpy.random.default_rng(int(torch.randint(2**62, (), generator=generator("cells", seed))))
        total, occurs = int(counts.sum()), counts.nonzero().squeeze(-1)
        shares = (counts[occurs] / max(total, 1)).numpy()
        cells = occurs
        if len(occurs) > n_left:
            cells = occurs[torch.from_numpy(random.choice(len(occurs), n_left, p=shares))]
            times[:, k] = total / n_left
        else:
            times[: len(occurs), k] = counts[occurs]
        left[torch.arange(len(cells)), k, cells] = 1
        drawn.append(partial(_drawn_counts, random, total, occurs, shares, len(counts)))
    return drawn, left, times


def _drawn_counts(random: Any, total: int, occurs: Tensor, shares: Any, n_cells: int, n: int) -> Tensor:
    found = torch.zeros(n, n_cells, dtype=torch.float64)
    if total:
        found[:, occurs] = torch.from_numpy(random.multinomial(total, shares, n)).double()
    return found

"""Replicates of a metric: the values that samples like this one would have given, by drawing from it again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .errors import MetricError
from .interval import Replicates
from .rows import Rows
from .streams import generator

MOST_BLOCKS = 2048
"""Additive states are drawn in blocks of samples: of 2048 blocks the spread comes out to 1.6 %, whatever N is."""
MOST_LEFT_OUT = 256
"""Units that are left out one by one for the skewness."""
MOST_NUMBERS = 2**23
"""Of one piece of the work."""

Value = Callable[[Any], Tensor]


def replicates(
    metric: Any, state: Any, n: int, seed: int, hyper: dict[str, Any], groups: Tensor | None = None
) -> Replicates:
    """Values of n resampled states, and of the state without one unit each.

    The same seed draws the same samples for every model and metric of as many rows, which makes differences paired.
    groups (N,): samples of one number are drawn together, as the pixels of one image.
    """

    def value(drawn: Any) -> Tensor:
        return metric.fn(drawn, **hyper)

    if isinstance(state, Rows):
        counted = metric.tally.count(state)
        if isinstance(counted, Rows):
            return _by_weight(value, counted, n, seed, groups)
        states = metric.tally.count(state.blocks(block_index(len(state), seed, groups)))
        assert isinstance(states, Tensor)
        return _by_blocks(value, states.movedim(state.n_lead, 0), n, seed)
    if metric.tally.n_cells and groups is None and bool((state == state.round()).all()):
        return _by_cells(value, state, metric.tally.n_cells, n, seed)
    raise MetricError(
        where=metric.name,
        seen="a state that holds sums" + (" of weights, or groups" if metric.tally.n_cells else ""),
        needed="the rows were needed: sums cannot be drawn again",
        repair=f"state = metrics.{metric.name}.rows(prediction, target, weight)",
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


def _by_blocks(value: Value, states: Tensor, n: int, seed: int) -> Replicates:
    """The states of the blocks (G, *), added up as often as each is drawn."""
    random, flat = generator("draws", seed), states.flatten(1)
    step = max(1, MOST_NUMBERS // max(flat.shape))
    values = []
    for start in range(0, n, step):
        drawn = _draws(min(step, n - start), len(states), random).to(states.device)
        values.append(value((drawn @ flat).reshape(-1, *states.shape[1:])))
    # the sum is taken once over all the blocks, so that what is left of 0 is 0
    units = states if len(states) <= MOST_LEFT_OUT else _dealt(states, MOST_LEFT_OUT)
    return Replicates(torch.cat(values), value(units.sum(0) - units), torch.ones(len(units), device=states.device))


def _dealt(states: Tensor, n_units: int) -> Tensor:
    """The blocks (G, *), which lie in random order, added up to n_units."""
    place = torch.arange(len(states), device=states.device) % n_units
    return torch.zeros(n_units, *states.shape[1:], dtype=states.dtype, device=states.device).index_add_(
        0, place, states
    )


def _by_weight(value: Value, rows: Rows, n: int, seed: int, groups: Tensor | None) -> Replicates:
    """The rows, weighted by how often they are drawn."""
    random = generator("draws", seed)
    block = torch.arange(len(rows)) if groups is None else groups.cpu().unique(return_inverse=True)[1]
    n_blocks = int(block.max()) + 1 if len(block) else 1
    step = max(1, MOST_NUMBERS // max(rows.prediction.numel(), 1))
    values = [
        value(rows.times(_draws(min(step, n - start), n_blocks, random)[:, block])) for start in range(0, n, step)
    ]
    n_units = min(n_blocks, MOST_LEFT_OUT)
    unit = torch.randperm(n_blocks, generator=generator("blocks", seed))[block] % n_units
    kept = (torch.arange(n_units).unsqueeze(1) != unit).double()
    without = torch.cat([value(rows.times(part)) for part in kept.split(step)])
    return Replicates(torch.cat(values), without, torch.ones(n_units, device=without.device))


def _by_cells(value: Value, state: Tensor, n_cells: int, n: int, seed: int) -> Replicates:
    drawn, left, times = cell_states(state, n_cells, n, seed)
    return Replicates(value(drawn), value(left), times)


def cell_states(state: Tensor, n_cells: int, n: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Counts of as many samples, drawn from these counts (n, *); the counts without one sample (G, *); for how many that stands.

    The work does not depend on how many samples were counted. Every model gets the same stream, whoever its neighbours are.
    """
    import numpy

    n_lead = state.dim() - n_cells
    flat = state.flatten(n_lead).reshape(-1, state[(0,) * n_lead].numel()).cpu()
    n_left = min(int((flat > 0).sum(1).max()) if flat.numel() else 0, MOST_LEFT_OUT)
    drawn = torch.zeros(n, *flat.shape, dtype=torch.float64)
    left, times = flat.expand(n_left, *flat.shape).clone(), torch.zeros(n_left, len(flat), dtype=torch.float64)
    for k, counts in enumerate(flat):
        total, occurs = int(counts.sum()), counts.nonzero().squeeze(-1)
        if not total:
            continue
        random = numpy.random.default_rng(int(torch.randint(2**62, (), generator=generator("cells", seed))))
        shares = (counts[occurs] / total).numpy()
        drawn[:, k, occurs] = torch.from_numpy(random.multinomial(total, shares, n)).double()
        if len(occurs) <= n_left:
            cells, times[: len(occurs), k] = occurs, counts[occurs]
        else:
            cells, times[:, k] = occurs[torch.from_numpy(random.choice(len(occurs), n_left, p=shares))], total / n_left
        left[torch.arange(len(cells)), k, cells] -= 1
    device = state.device
    return (
        drawn.reshape(n, *state.shape).to(device),
        left.reshape(n_left, *state.shape).to(device),
        times.reshape(n_left, *state.shape[:n_lead]).to(device),
    )

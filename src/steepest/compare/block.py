"""A block: neighbouring trials that pass through the model together."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from steepest.core.trees import Tree

from .weights import Weights


@dataclass(frozen=True)
class Block:
    """rows: which trials. seed_rows (k,): the place of each trial's seed; seed_row: that of all, when it is one.

    parameters: leaves of the graph, (k, *), or those of `module` without the trial axis when one trial runs alone.
    """

    rows: slice
    seed_rows: Tensor
    seed_row: int | None
    parameters: Tree
    fixed: Tree
    buffers: Tree
    tensors: Tree
    module: nn.Module | None = None

    def of_trials(self, of_seeds: Tensor) -> Tensor:
        """(S, *) -> (k, *): each trial's seed's rows; no copy where all trials have one seed."""
        if self.seed_row is not None:
            return of_seeds[self.seed_row].expand(len(self.seed_rows), *of_seeds.shape[1:])
        return of_seeds.index_select(0, self.seed_rows)


def make_block(weights: Weights, rows: slice, seed_rows: Tensor, one_by_one: bool) -> Block:
    """one_by_one: the block is one trial, as a module of its own that lives in the trial's row."""
    fixed, buffers = weights.others(rows)
    own = seed_rows[rows]
    first = int(own[0])
    seed_row = first if bool((own == first).all()) else None
    if one_by_one:
        module = weights.module(rows.start)
        trained = set(weights.trained)
        own_parameters: Tree = {n: p for n, p in module.named_parameters() if n in trained}
        return Block(rows, own, seed_row, own_parameters, fixed, buffers, {}, module)
    parameters = weights.views(rows)
    return Block(rows, own, seed_row, parameters, fixed, buffers, {**parameters, **fixed, **buffers})

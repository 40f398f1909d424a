"""The parameters and buffers of K models: one flat row of numbers per trial for each dtype, with views per tensor."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from steepest.core.trees import Layout, Tree


@dataclass(frozen=True)
class Flat:
    """All trained numbers of one dtype: values and gradients (K, P), and where each parameter lies in a row."""

    values: Tensor
    gradients: Tensor
    layout: Layout


class Weights:
    """Rows are trials. A tensor shared by two layers is held once; frozen parameters and buffers are stacked beside."""

    def __init__(self, models: Sequence[nn.Module], model_of_row: Sequence[int]) -> None:
        """models: freshly initialised ones; model_of_row[k]: the model from which trial k starts."""
        self.template = copy.deepcopy(models[0])
        rows = torch.tensor(model_of_row)
        named = [dict(m.named_parameters()) for m in models]
        self.trained = [name for name, p in named[0].items() if p.requires_grad]
        self.flats = [
            self._flat(named, [n for n in self.trained if named[0][n].dtype == dtype], rows)
            for dtype in _dtypes(named[0])
        ]
        frozen = [name for name, p in named[0].items() if not p.requires_grad]
        buffers = [dict(m.named_buffers()) for m in models]
        self.fixed: Tree = {n: torch.stack([p[n].detach() for p in named])[rows] for n in frozen}
        self.buffers: Tree = {n: torch.stack([b[n].detach() for b in buffers])[rows] for n in buffers[0]}

    @staticmethod
    def _flat(named: Sequence[Mapping[str, Tensor]], names: Sequence[str], rows: Tensor) -> Flat:
        layout = Layout(tuple((name, named[0][name].shape) for name in names))
        values = torch.stack([torch.cat([p[name].detach().flatten() for name in names]) for p in named])[rows]
        return Flat(values, torch.zeros_like(values), layout)

    def __len__(self) -> int:
        return len(self.flats[0].values)

    def views(self, rows: slice) -> Tree:
        """The trained parameters of some trials as leaves of the graph (k, *shape), in the memory of the flat rows."""
        found = {}
        for flat in self.flats:
            for name, view in flat.layout.views(flat.values[rows]).items():
                found[name] = view.detach().requires_grad_()
        return found

    def others(self, rows: slice) -> tuple[Tree, Tree]:
        """Frozen parameters and buffers of some trials, as views."""
        return {n: v[rows] for n, v in self.fixed.items()}, {n: v[rows] for n, v in self.buffers.items()}

    def collect(self, rows: slice, gradients: Mapping[str, Tensor | None]) -> None:
        """Write the gradients of some trials into their flat rows; one that the loss does not reach has zeros."""
        n = rows.stop - rows.start
        for flat in self.flats:
            parts = [_row(gradients[name], n, shape, flat.values) for name, shape in flat.layout.shapes]
            torch.cat(parts, 1, out=flat.gradients[rows])

    def module(self, row: int) -> nn.Module:
        """The template's twin that lives in one trial's row: training the row trains the module."""
        return self._twin({n: v[0] for n, v in self._views_of(row).items()})

    def copy(self, row: int) -> nn.Module:
        """One trial's model, by itself."""
        return self._twin({n: v[0].clone() for n, v in self._views_of(row).items()})

    def _views_of(self, row: int) -> Tree:
        alone = slice(row, row + 1)
        fixed, buffers = self.others(alone)
        return {**{n: v.detach() for n, v in self.views(alone).items()}, **fixed, **buffers}

    def _twin(self, tensors: Tree) -> nn.Module:
        """A copy of the template that finds its tensors already made; tensors shared by two layers stay shared."""
        trained = set(self.trained)
        made: dict[int, Tensor] = {
            id(p): nn.Parameter(tensors[n], n in trained) for n, p in self.template.named_parameters()
        }
        made.update({id(b): tensors[n] for n, b in self.template.named_buffers()})
        return copy.deepcopy(self.template, made)


def _dtypes(parameters: Mapping[str, Tensor]) -> list[torch.dtype]:
    return list(dict.fromkeys(p.dtype for p in parameters.values() if p.requires_grad))


def _row(gradient: Tensor | None, n: int, shape: torch.Size, like: Tensor) -> Tensor:
    return like.new_zeros(n, shape.numel()) if gradient is None else gradient.reshape(n, -1)

"""Torch's own data of its optimizer tests (it ships with torch), and runs of both classes on gradients of our own.

`CASES` are all configurations of all classes, `WRONG` all inputs that must be refused, with the words of the refusal.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.testing._internal.common_optimizers import optim_db

from steepest import optim

STEPS = 25
CPU = torch.device("cpu")
# SparseAdam needs sparse gradients and LBFGS a closure that computes its own: test_sparse_and_closure.py runs them.
DENSE = [info for info in optim_db if not info.only_supports_sparse_grads and not info.step_requires_closure]


@dataclass(frozen=True)
class Case:
    """One configuration of one class; ours is found by its name."""

    info: Any
    options: dict[str, Any]
    words: str

    def __str__(self) -> str:
        return f"{self.info.name}-{self.words.replace(' ', '_')}"

    @property
    def torchs(self) -> type[torch.optim.Optimizer]:
        return self.info.optim_cls

    @property
    def ours(self) -> type[torch.optim.Optimizer]:
        return getattr(optim, self.info.name)

    def shapes(self) -> list[tuple[int, ...]]:
        return [(4, 3), (5, 2), (2, 6)] if self.info.name == "Muon" else [(4, 3), (7,), (2, 3, 2), (1, 1), ()]

    def kwargs(self) -> dict[str, Any]:
        """Fresh tensors, where an option is one."""
        return {name: value.clone() if isinstance(value, Tensor) else value for name, value in self.options.items()}


def _cases() -> list[Case]:
    found = []
    for info in DENSE:
        inputs = info.optim_inputs_func(device=CPU)
        found += [Case(info, dict(each.kwargs), each.desc or "default") for each in inputs]
    return found


CASES = _cases()


def numbers(seed: int, shapes: list[tuple[int, ...]], dtype: torch.dtype) -> list[Tensor]:
    """Normal numbers that depend on the seed alone: those of a narrow dtype are the wide ones, rounded."""
    source = torch.Generator().manual_seed(seed)
    found = []
    for shape in shapes:
        real, imaginary = (torch.randn(shape, generator=source, dtype=torch.float64) for _ in range(2))
        found.append((torch.complex(real, imaginary) if dtype.is_complex else real).to(dtype))
    return found


class Run:
    """Parameters under one optimizer. like: the dtype whose rounding start and gradients have, where it is another."""

    def __init__(self, make: Any, case: Case, dtype: torch.dtype, seed: int, like: torch.dtype | None = None) -> None:
        self.case, self.dtype, self.seed, self.like, self.n_steps = case, dtype, seed, like or dtype, 0
        self.params = [nn.Parameter(p) for p in self._numbers(seed)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.optimizer = make(self.params)

    def _numbers(self, seed: int) -> list[Tensor]:
        return [n.to(self.dtype) for n in numbers(seed, self.case.shapes(), self.like)]

    def go(self, n_steps: int = STEPS) -> Run:
        for _ in range(n_steps):
            for param, grad in zip(self.params, self._numbers(1000 * (self.seed + 1) + self.n_steps)):
                param.grad = grad
            self.optimizer.step()
            self.n_steps += 1
        return self

    def values(self) -> Tensor:
        flat = [p.detach().flatten() for p in self.params]
        return torch.cat([torch.view_as_real(p).flatten() if p.is_complex() else p for p in flat])

    def fork(self, make: Any) -> Run:
        """The same parameters and place in the gradients under a new optimizer."""
        other = Run(make, self.case, self.dtype, self.seed, self.like)
        for mine, theirs in zip(self.params, other.params):
            theirs.data.copy_(mine.data)
        other.n_steps = self.n_steps
        return other


def ulps(a: Tensor, b: Tensor) -> float:
    """The largest difference, in units of the last place of the largest value."""
    return ((a - b).abs().max() / (a.abs().max() * torch.finfo(a.dtype).eps)).item()

"""Backward: what each line of a training step does to the parameters and their gradients, by the numbers of a small network."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

NAMES = ("backward", "loss.backward", "zero_grad", "optimizer.zero_grad")
LINES = (
    "loss = mse(model(x), y)",
    "loss.backward()",
    "loss.backward(), once more",
    "optimizer.zero_grad()",
    "loss.backward()",
    "optimizer.step()",
)
SAYS = (
    "backward() computes the gradient of the loss by every parameter and adds it to that parameter's .grad; it changes no "
    "parameter. step() does, by what lies in .grad. zero_grad() clears that, since the next backward() would add to it."
)


@dataclass(frozen=True)
class Moment:
    """After one line of code: the loss, and of each parameter the norm of .grad (None: there is none) and how far it has moved."""

    line: str
    loss: float
    gradients: dict[str, float | None]
    moved: dict[str, float]


class Lesson:
    """Print it for the text; `moments` holds the numbers."""

    name = "backward"
    latex = ""

    @cached_property
    def moments(self) -> list[Moment]:
        """The lines, executed one after the other."""
        generator = torch.Generator().manual_seed(0)
        x, y = (torch.randn(16, n, generator=generator) for n in (3, 1))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        start = {name: p.detach().clone() for name, p in model.named_parameters()}

        def loss() -> Tensor:
            return (model(x) - y).square().mean()

        def moment(line: str) -> Moment:
            named = dict(model.named_parameters())
            norms = {name: None if p.grad is None else p.grad.norm().item() for name, p in named.items()}
            moved = {name: (p.detach() - start[name]).norm().item() for name, p in named.items()}
            return Moment(line, loss().item(), norms, moved)

        found = [moment(LINES[0])]
        for line in LINES[1:]:
            if line.startswith("loss.backward"):
                loss().backward()
            else:
                (optimizer.step if "step" in line else optimizer.zero_grad)()
            found.append(moment(line))
        return found

    @property
    def text(self) -> str:
        return self.render()

    def render(self, *, width: int = 80, colour: bool = False, code: bool = False) -> str:
        """What it says, then a table: a line of code, the loss, norms of gradients, way of the parameters."""
        title = "\x1b[1mbackward\x1b[0m" if colour else "backward"
        return (
            "\n".join([f"{title}  what a step of training does", "", *textwrap.wrap(SAYS, width), "", *self._table()])
            + "\n"
        )

    def _table(self) -> list[str]:
        head = ["after", "loss", *(f"{name}.grad" for name in self.moments[0].gradients), "moved"]
        rows = [
            [m.line, f"{m.loss:.4f}", *map(_norm, m.gradients.values()), f"{sum(m.moved.values()):.4f}"]
            for m in self.moments
        ]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in [head, *rows]]

    @property
    def markdown(self) -> str:
        return "\n".join(["## backward", "", SAYS, "", "```", *self._table(), "```", ""])

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.markdown


def _norm(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"

"""What several checks ask of a run: the loss calls with their tensors, in the order of the program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .running.graph import Op, origin

if TYPE_CHECKING:
    from torch import Tensor

    from .facts import Facts
    from .running.record import Backward, LossCall, Run

SQUARES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
SOFT = ("softmax", "gumbel_softmax")
SQUASHED = ("softmax", "gumbel_softmax", "sigmoid", "hardsigmoid")


def losses(facts: Facts, *names: str) -> Iterator[tuple[LossCall, Tensor, Tensor]]:
    """Calls of torch's losses of these names, with prediction and target; one per line of the program, and only kept ones."""
    lines = set()
    for call in facts.run.losses if facts.run else ():
        op = call.op
        if op.name not in names:
            continue
        prediction, target = op.tensor(0, "input"), op.tensor(1, "target")
        if prediction is None or target is None or target.is_meta:
            continue
        if op.place.line not in lines:
            lines.add(op.place.line)
            yield call, prediction.detach(), target.detach()


def squashed(op: Op, position: int = 0, name: str = "input") -> Op | None:
    """The softmax or sigmoid that directly made an argument, if one did."""
    made = origin(op.ref(position, name))
    return made if made is not None and made.name in SQUASHED else None


def rows_sum_to_one(t: Tensor, tolerance: float = 1e-3) -> bool:
    """Non-negative numbers with sums of 1 over the class axis (1, or the last)."""
    if t.dim() < 2 or t.shape[1] < 2 or not bool((t >= -1e-6).all()):
        return False
    return any(bool(((t.sum(d) - 1).abs() < tolerance).all()) for d in {1, t.dim() - 1})


def shown(shape: Any) -> str:
    return "(" + ", ".join(str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"


def number(x: Any) -> str:
    return f"{float(x):.4g}"


def backwards_by_line(run: Run) -> dict[int, list[Backward]]:
    """Backward passes by their line, in order."""
    found: dict[int, list[Backward]] = {}
    for b in run.backwards:
        found.setdefault(b.place.line, []).append(b)
    return found


def first_kept(run: Run) -> Iterator[Backward]:
    """For each line with a backward pass the first one that was kept."""
    seen = set()
    for b in run.kept():
        if b.place.line not in seen:
            seen.add(b.place.line)
            yield b

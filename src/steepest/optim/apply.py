"""One step of a rule, in place, on one block: what the optimizer face and the stacked face have in common.

The body of a rule returns new tensors. It runs on one block of the parameters after another, so that its temporaries stay
small however large the model is: about eight of them live at once, each no larger than a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.trees import PerTrial

Block = tuple[slice, ...]

# On a CPU a block and its temporaries stay in the cache; an accelerator wants a block that fills it, and eight of these
# make the 64 MB that a step may add.
BLOCK_BYTES = {"cpu": 2 * 2**20}
ACCELERATOR_BLOCK_BYTES = 8 * 2**20


def blocks(like: Tensor) -> Iterator[Block]:
    """Indices that cut a tensor into blocks, along its first axes; () is all of it."""
    limit = BLOCK_BYTES.get(like.device.type, ACCELERATOR_BLOCK_BYTES) // like.element_size()
    return cut(like.shape, limit)


def cut(shape: torch.Size, limit: int) -> Iterator[Block]:
    """Indices of near-equal blocks of at most `limit` elements.

    >>> list(cut(torch.Size([4, 10]), 20))
    [(slice(0, 2, None),), (slice(2, 4, None),)]
    >>> list(cut(torch.Size([4, 10]), 40))
    [()]
    """
    if shape.numel() <= limit:
        yield ()
        return
    rows_that_fit = max(1, limit // shape[1:].numel())
    n_blocks = -(-shape[0] // rows_that_fit)
    rows = -(-shape[0] // n_blocks)
    for start in range(0, shape[0], rows):
        for rest in cut(shape[1:], limit):
            yield (slice(start, min(start + rows, shape[0])), *rest)


def apply_block(
    rule: Rule, param: Tensor, grad: Tensor, states: Mapping[str, Tensor], numbers: Mapping[str, Any], weight_decay: float | PerTrial | None,
) -> dict[str, Any]:
    """Move `param` and `states` by one step, in place; returns the new scalar states.

    numbers: t, lr, the hyperparameters and the scalar states, as floats, or as PerTrial beside a param (K, P).
    weight_decay: likewise, or None where nothing decays.
    """
    if weight_decay is not None and rule.decay == "coupled":
        grad = _plus(grad, param, weight_decay)
    elif weight_decay is not None:
        param.mul_(1 - numbers["lr"] * weight_decay)
    seen = {**states, "param": param} if rule.needs_param else states
    step, *new = rule.fn(grad, **seen, **numbers)
    param.sub_(step)
    changed = dict(zip(rule.states, new))
    for name, state in states.items():
        state.copy_(changed[name])
    return {name: changed[name] for name in rule.scalar_states}


def _plus(a: Tensor, b: Tensor, factor: float | PerTrial) -> Tensor:
    """a + factor * b in one pass."""
    return torch.addcmul(a, b, factor) if isinstance(factor, PerTrial) else a.add(b, alpha=factor)  # type: ignore[call-overload]

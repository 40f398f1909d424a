"""A step of an optimizer with transforms around it."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.errors import Unsupported, UsageError

from .apply import Block
from .chain import PART_BYTES, Chain, Leaf
from .pieces import Pieces
from .wholes import Sums

Options = dict[str, Any]
Group = dict[str, Any]


@torch.no_grad()
def step_around(
    chain: Chain,
    optimizer: torch.optim.Optimizer,
    closure: Callable[[], Any] | None,
    shrinks: Callable[[Group], float],
    step: Callable[[], None],
    in_pieces: Callable[[Tensor, Tensor, Group], Pieces | None],
    at_once: bool = False,
) -> None:
    """Gradients to the rule, its step, and what becomes of it, a part of the parameters after the other.

    shrinks(group): what decoupled decay multiplies by. at_once: the rule must see all parameters together.
    in_pieces(param, grad, group): the rule's step of one large parameter in pieces; None where it must be whole.
    """
    params, leaves, signs, groups = [], [], [], []
    for group in optimizer.param_groups:
        numbers = _numbers_of(group, chain, shrinks(group))
        for param in group["params"]:
            if param.grad is not None:
                params.append(param)
                leaves.append(_leaf(param, optimizer.state[param], numbers))
                signs.append(-1 if group.get("maximize") else 1)
                groups.append(group)
    if not leaves:
        return
    if chain.looks_twice:
        _look_again(chain, params, leaves, closure)
    own = [param.grad for param in params]
    norm = chain.norm(leaves)
    try:
        for part in [slice(None)] if at_once or chain.needs_all else _parts(leaves):
            for param in params:
                param.grad = None
            pieces = None
            if len(params[part]) == 1 and leaves[part][0].param.nbytes > PART_BYTES:
                pieces = in_pieces(params[part][0], own[part][0], groups[part][0])
            if pieces is None:
                _step_part(chain, params[part], leaves[part], signs[part], norm, step)
            else:
                _step_pieces(chain, leaves[part][0], signs[part][0], norm, pieces)
    finally:
        for param, grad in zip(params, own):
            param.grad = grad


def _step_part(
    chain: Chain,
    params: list[Tensor],
    leaves: list[Leaf],
    signs: list[int],
    norm: Tensor | None,
    step: Callable[[], None],
) -> None:
    """Some of the parameters; the others have no gradient meanwhile."""
    given = [leaf.grad for leaf in leaves]
    for leaf, sign in zip(leaves, signs):
        leaf.grad = leaf.grad if sign > 0 else -leaf.grad
    if chain.begin(leaves, norm):
        for param, leaf, sign in zip(params, leaves, signs):
            param.grad = _back(leaf.grad if sign > 0 else -leaf.grad, param)
        step()
        chain.finish(leaves)
    for leaf, grad in zip(leaves, given):
        leaf.grad = grad  # what the transforms made of it is free again


def _step_pieces(chain: Chain, leaf: Leaf, sign: int, norm: Tensor | None, pieces: Pieces) -> None:
    """One large parameter, so that there is never a copy of all of it."""
    chain.prepare(leaf)
    sums, part = Sums(leaf.param[0].numel()), leaf
    for _ in range(chain.n_sums):
        for block, part in leaf.parts(chain.looks_at == "rows"):
            with sums.growing():
                _step_piece(chain, part.copied(), sign, norm, pieces, block, pieces.rehearse)
        sums.close()
    for block, part in leaf.parts(chain.looks_at == "rows"):
        with sums.known():
            _step_piece(chain, part, sign, norm, pieces, block, pieces.move)
    pieces.close()
    leaf.states.update({name: value for name, value in part.states.items() if not isinstance(value, Tensor)})


def _step_piece(
    chain: Chain,
    part: Leaf,
    sign: int,
    norm: Tensor | None,
    pieces: Pieces,
    block: Block,
    move: Callable[[Block, Tensor, Tensor], None],
) -> None:
    """move(block, param, grad): the rule's step of this piece."""
    part.grad = part.grad if sign > 0 else -part.grad
    if chain.begin([part], norm):
        like = pieces.param[block]
        move(block, _back(part.param, like), _back(part.grad if sign > 0 else -part.grad, like))
        chain.finish([part])


def _parts(leaves: Sequence[Leaf]) -> list[slice]:
    """Stretches of the leaves of at most PART_BYTES, or of one leaf."""
    starts, filled = [0], 0
    for i, leaf in enumerate(leaves):
        if filled and filled + leaf.param.nbytes > PART_BYTES:
            starts.append(i)
            filled = 0
        filled += leaf.param.nbytes
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], len(leaves)])]


def evaluated_weights(chain: Chain, param: Tensor, state: dict[str, Any]) -> Tensor | None:
    """The weights that a transform keeps for judging the model; None where none does."""
    found = chain.evaluated(state)
    return None if found is None else _back(found, param)


def with_decay_of(chain: Chain, rule: Rule, known: Container[str], options: Options) -> Options:
    """The optimizer's options where a transform decays: its number is that of every group that names none."""
    if chain and rule.solo_only:
        raise Unsupported(
            where=rule.class_name,
            seen=f"transforms {chain.text}",
            needed=f"{rule.name} runs without any",
            repair="Leave transforms out: they change single steps along dense gradients.",
        )
    if chain.decay is None or "weight_decay" not in known:
        return options
    if "weight_decay" in options and float(options["weight_decay"]) != 0:
        raise UsageError(
            where=rule.class_name,
            seen=f"weight_decay={float(options['weight_decay']):g} beside a transform that decays",
            needed="one of the two was needed",
            consequence="The weights would decay twice.",
            repair="Leave weight_decay out.",
        )
    return {**options, "weight_decay": chain.decay}


def refuse_other_transforms(chain: Chain, saved: str) -> None:
    """A checkpoint goes on under the transforms that it was made with, whose states it holds."""
    if saved and saved != chain.text:
        raise UsageError(
            where="load_state_dict",
            seen=f"the checkpoint was made with transforms {saved!r}, this optimizer has {chain.text or 'none'!r}",
            needed="the same transforms were needed",
            repair=f"Make the optimizer with transforms={saved!r}.",
        )


def _numbers_of(group: Group, chain: Chain, shrinks: float) -> tuple[float, float, float, float | None]:
    """Of each leaf of a group: lr, peak_lr, shrinks, weight_decay."""
    lr = float(group["lr"])
    peak = float(group.get("max_lr") or group.get("initial_lr") or lr)
    decay = float(group["weight_decay"]) if chain.decay is not None and "weight_decay" in group else None
    return lr, peak, shrinks, decay


def _leaf(param: Tensor, state: dict[str, Any], numbers: tuple[float, float, float, float | None]) -> Leaf:
    if param.grad.layout != torch.strided:  # type: ignore[union-attr]
        raise Unsupported(
            where="transforms",
            seen="a gradient is sparse",
            needed="dense gradients were needed",
            repair="Embedding(..., sparse=False) gives dense ones.",
        )
    return Leaf(_lone(param.detach()), _lone(param.grad), state, *numbers)  # type: ignore[arg-type]


def _lone(value: Tensor) -> Tensor:
    """(1, *shape), or (1, 1) of a single number; complex numbers as pairs."""
    real = torch.view_as_real(value) if value.is_complex() else value
    return real.unsqueeze(0) if real.dim() else real.view(1, 1)


def _back(value: Tensor, like: Tensor) -> Tensor:
    """What _lone made, in the parameter's own form."""
    if like.is_complex():
        return torch.view_as_complex(value.reshape(*like.shape, 2).contiguous())
    return value.reshape(like.shape)


def _look_again(chain: Chain, params: list[Tensor], leaves: list[Leaf], closure: Callable[[], Any] | None) -> None:
    """The gradient where the chain says, into the leaves; the parameters end where they were, to the last bit."""
    if closure is None:
        raise UsageError(
            where="step",
            seen="no closure",
            needed="a closure was needed: a transform takes the gradient a second time",
            repair="def closure(): optimizer.zero_grad(); loss = ...; loss.backward(); return loss",
        )
    before = [leaf.param.clone() for leaf in leaves]
    chain.displace(leaves)
    try:
        with torch.enable_grad():
            closure()
    finally:
        for leaf, value in zip(leaves, before):
            leaf.param.copy_(value)
    for param, leaf in zip(params, leaves):
        if param.grad is not None:
            leaf.grad = _lone(param.grad)

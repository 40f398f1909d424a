"""A step of an optimizer with transforms around it."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.errors import Unsupported, UsageError

from .apply import Block
from .bundles import Bundle, Bundles, Single, back
from .chain import PART_BYTES, Chain, Leaf, length_of_all
from .pieces import Pieces
from .wholes import Sums

Options = dict[str, Any]
Group = dict[str, Any]


@torch.no_grad()
def step_around(
    chain: Chain,
    optimizer: torch.optim.Optimizer,
    kept: Bundles,
    closure: Callable[[], Any] | None,
    shrinks: Callable[[Group], float],
    step: Callable[[], None],
    in_pieces: Callable[[Tensor, Tensor, Group], Pieces | None],
    at_once: bool = False,
) -> None:
    """Gradients to the rule, its step, and what becomes of it, a part of the parameters after the other.

    kept: of this optimizer, from step to step. shrinks(group): what decoupled decay multiplies by.
    at_once: the rule must see all parameters together.
    in_pieces(param, grad, group): the rule's step of one large parameter in pieces; None where it must be whole.
    """
    bundles = kept.of(chain, optimizer.param_groups, optimizer.state, shrinks)
    if not bundles:
        return
    if chain.looks_twice:
        _look_again(chain, bundles, closure)
    params = [param for bundle in bundles for param in bundle.params]
    own = [param.grad for param in params]
    parts = [bundles] if at_once or chain.needs_all else _parts(bundles)
    is_cut = len(parts) > 1 or bundles[0].n_bytes > PART_BYTES
    norm = length_of_all([bundle.length() for bundle in bundles]) if is_cut and chain.needs_length else None
    try:
        for param in params:
            param.grad = None
        for part in parts:
            first, pieces = part[0], None
            if len(part) == 1 and first.n_bytes > PART_BYTES:
                pieces = in_pieces(first.params[0], first.grads[0], first.group)
            if pieces is None:
                _step_part(chain, part, norm, step)
            else:
                _step_pieces(chain, first.leaf, first.sign, norm, pieces)
            for bundle in part:
                for param in bundle.params:
                    param.grad = None
    finally:
        for param, grad in zip(params, own):
            param.grad = grad


def _step_part(chain: Chain, bundles: Sequence[Bundle], norm: Tensor | None, step: Callable[[], None]) -> None:
    """Some of the parameters; the others have no gradient meanwhile."""
    for bundle in bundles:
        bundle.open()
    leaves = [bundle.leaf for bundle in bundles]
    if chain.begin(leaves, norm):
        for bundle in bundles:
            bundle.give()
        step()
        for bundle in bundles:
            bundle.look()
        chain.finish(leaves)
    for bundle in bundles:
        bundle.close()


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
        move(block, back(part.param, like), back(part.grad if sign > 0 else -part.grad, like))
        chain.finish([part])


def _parts(bundles: Sequence[Bundle]) -> list[Sequence[Bundle]]:
    """Stretches of at most PART_BYTES, or of one bundle."""
    starts, filled = [0], 0
    for i, bundle in enumerate(bundles):
        if filled and filled + bundle.n_bytes > PART_BYTES:
            starts.append(i)
            filled = 0
        filled += bundle.n_bytes
    return [bundles[start:end] for start, end in zip(starts, [*starts[1:], len(bundles)])]


def evaluated_weights(chain: Chain, param: Tensor, state: dict[str, Any]) -> Tensor | None:
    """The weights that a transform keeps for judging the model; None where none does."""
    found = chain.evaluated(state)
    return None if found is None else back(found, param)


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


def _look_again(chain: Chain, bundles: Sequence[Bundle], closure: Callable[[], Any] | None) -> None:
    """The gradient where the chain says, into the leaves; the parameters end where they were, to the last bit."""
    if closure is None:
        raise UsageError(
            where="step",
            seen="no closure",
            needed="a closure was needed: a transform takes the gradient a second time",
            repair="def closure(): optimizer.zero_grad(); loss = ...; loss.backward(); return loss",
        )
    leaves = [bundle.leaf for bundle in bundles]
    before = [leaf.param.clone() for leaf in leaves]
    chain.displace(leaves)
    try:
        with torch.enable_grad():
            closure()
    finally:
        for leaf, value in zip(leaves, before):
            leaf.param.copy_(value)
    for bundle in bundles:
        if isinstance(bundle, Single):
            bundle.look_again()

"""A recorded loss as a function again: the same calls with other outputs of the model or other targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from .graph import Op, Ref, ancestors
from .record import Backward, ModelCall, Run
from .tracer import tensors_in

NOT_REPEATED = frozenset({"backward", "item", "tolist", "numpy"})


class CannotReplay(Exception):
    """The recorded calls do not give the recorded value again, so nothing can be concluded from other values."""


def replayed(op: Op, instead: Mapping[int, Tensor]) -> Tensor:
    """The result of `op` when the tensors with these ids are replaced. Raises CannotReplay."""
    done: dict[int, Any] = {}
    moves = touched(op, instead)

    def value(ref: Ref) -> Any:
        if ref.tensor is None:
            raise CannotReplay
        if id(ref.tensor) in instead:
            return instead[id(ref.tensor)]
        if ref.op is None or id(ref.op) not in moves:
            return ref.tensor
        outs = result(ref.op)
        for known, fresh in zip(ref.op.out, outs):
            if known.tensor is ref.tensor:
                return fresh
        raise CannotReplay

    def plain(x: Any) -> Any:
        if isinstance(x, Ref):
            return value(x)
        if isinstance(x, list):
            return [plain(v) for v in x]
        return x

    def result(of: Op) -> list[Any]:
        if id(of) not in done:
            if of.name in NOT_REPEATED or not of.out:
                raise CannotReplay
            args = [plain(a) for a in of.args]
            if of.in_place and args and isinstance(args[0], Tensor):
                args[0] = args[0].clone()
            out = of.func(*args, **{k: plain(v) for k, v in of.kwargs.items()})
            out = args[0] if of.name == "setitem" else out
            done[id(of)] = list(tensors_in(out, 2))
        return done[id(of)]

    return result(op)[0]


def touched(root: Op, ids: Iterable[int]) -> set[int]:
    """The calls (by id) before `root` that depend on one of these tensors."""
    wanted, marked = set(ids), set()
    for op in sorted(ancestors(root), key=lambda o: o.index):
        for r in op.refs():
            if (r.tensor is not None and id(r.tensor) in wanted) or (r.op is not None and id(r.op) in marked):
                marked.add(id(op))
                break
    return marked


def outputs_in(run: Run, seen: Backward) -> list[tuple[ModelCall, Tensor]]:
    """The outputs of models that the loss was made of, last call first; floating numbers only."""
    ids = {id(r.tensor) for op in seen.ops() for r in op.refs() if r.tensor is not None}
    found = []
    for call in reversed(run.calls_in(seen)):
        found += [(call, t) for t in call.outputs if id(t) in ids and t.is_floating_point()]
    return found


def between(seen: Backward, output: Tensor) -> list[Op]:
    """The calls from an output of the model to the loss."""
    if seen.op is None:
        return []
    moved = touched(seen.op, {id(output)})
    return [op for op in seen.ops() if id(op) in moved]


def targets_in(seen: Backward, output: Tensor) -> list[Tensor]:
    """What the output was held against: tensors with the batch's length that do not come from the model."""
    found: dict[int, Tensor] = {}
    made: dict[int, tuple[Tensor, Op | None]] = {}
    ops = between(seen, output)
    moved = {id(op) for op in ops}
    for op in ops:
        for ref in op.refs():
            t = ref.tensor
            if t is None or t is output or t.requires_grad or not t.dim() or not output.dim():
                continue
            if t.shape[0] == output.shape[0] and (ref.op is None or id(ref.op) not in moved):
                found.setdefault(id(t), t)
                made.setdefault(id(t), (t, ref.op))
    sources = set(found)
    return [t for t, op in made.values() if not _is_derived(op, sources - {id(t)})]


def _is_derived(op: Op | None, sources: set[int]) -> bool:
    """Made of another of these tensors."""
    return any(r.tensor is not None and id(r.tensor) in sources for a in ancestors(op) for r in a.refs())


def value_of(seen: Backward, instead: Mapping[int, Tensor]) -> float:
    """The loss with some tensors replaced."""
    if seen.op is None:
        raise CannotReplay
    state = torch.get_rng_state()
    try:
        with torch.no_grad():
            return float(replayed(seen.op, instead))
    except CannotReplay:
        raise
    except Exception as error:
        raise CannotReplay from error
    finally:
        torch.set_rng_state(state)


def can_replay(seen: Backward, output: Tensor) -> bool:
    """Whether the same output gives the recorded loss again."""
    try:
        again = value_of(seen, {id(output): output.detach().clone()})
    except CannotReplay:
        return False
    return abs(again - seen.value) <= 1e-4 * max(1.0, abs(seen.value))

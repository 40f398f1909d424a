"""What transforms see of an optimizer's parameters: a large one by itself, small ones together as one tensor.

One by one, 60 small tensors take ten times as long as the rule's own step; copied into one tensor and back, two or three
times (python bench/transforms.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import is_
from typing import Any

import torch
from torch import Tensor

from steepest.core.errors import Unsupported
from steepest.core.faster import keep_freed_memory

from .chain import Chain, Leaf, length_of

Options = dict[str, Any]
SMALL_BYTES, TOGETHER_BYTES, MOST_BYTES = 2**18, 2**20, 2**23
"""Of a parameter that is taken with others, of all that are taken together, and of all such of an optimizer: the copies
of those that are together fit into a cache, and the copies of all, a few times as much, into what a step may add."""
KINDS = (Tensor, torch.nn.Parameter)


Numbers = tuple[float, float, float, float | None]
"""lr, peak_lr, shrinks, weight_decay of a Leaf."""


class Single:
    """One parameter as it is: its leaf is of views."""

    def __init__(self, group: Options, numbers: Numbers, param: Tensor, state: Options) -> None:
        self.group, self.params, self.n_bytes = group, [param], param.nbytes
        self.sign = -1 if group.get("maximize") else 1
        self.grads: list[Any] = [param.grad]
        self.leaf = Leaf(lone(param.detach()), lone(self.grads[0]), state, *numbers)
        self._grad = self.leaf.grad

    def look_again(self) -> None:
        """The gradient may have been taken anew."""
        if self.params[0].grad is not None:
            self.grads = [self.params[0].grad]
            self.leaf.grad = self._grad = lone(self.grads[0])

    def length(self) -> Tensor:
        """Of the gradient as it came."""
        return length_of(self.leaf)

    def open(self) -> None:
        """Before transforms act on the gradient."""
        self._grad = self.leaf.grad
        self.leaf.grad = self._grad if self.sign > 0 else -self._grad

    def give(self) -> None:
        """Put what became of the gradient where the rule looks for it."""
        grad = self.leaf.grad
        self.params[0].grad = back(grad if self.sign > 0 else -grad, self.params[0])

    def look(self) -> None:
        """The rule has stepped: see where the parameters are."""

    def close(self) -> None:
        """All that was made for the step is free again."""
        self.leaf.grad = self._grad


class Together:
    """Small parameters of a group, of the same kind: their leaf is of copies, one after another in memory that stays.

    Where a transform looks at whole tensors or rows, they are of one shape, and lie along the leaf's first axis.
    """

    leaf: Leaf
    grads: list[Any]

    def __init__(self, chain: Chain, group: Options, params: list[Tensor], states: list[Options]) -> None:
        """states: all that the chain keeps of each parameter is there."""
        self.group, self.params, self._states, self._chain = group, params, states, chain
        self.grads = [param.grad for param in params]
        self._dtype, self._device = params[0].dtype, params[0].device
        self.n_bytes = sum([param.nbytes for param in params])  # noqa: C419
        self._shapes = [param.shape for param in params]
        shape = (len(params), *(params[0].shape or (1,))) if chain.looks_at_shapes else (1, -1)
        self._grad, self._before, self._param = (Copy(params, shape) for _ in range(3))
        names, self._counts = chain.state_names
        self._copies = {name: Copy([own[name] for own in states], shape) for name in names}

    def fits(self, states: Mapping[Tensor, Options]) -> bool:
        """Whether the parameters, their gradients and states are of the kind that they were."""
        params, own, dtype = self.params, self._states, self._dtype
        grads: list[Any] = [param.grad for param in params]
        self.grads = grads
        return (
            params[0].dtype is dtype
            and params[0].device == self._device
            and all(map(is_, [states[param] for param in params], own))
            and [param.shape for param in params] == self._shapes
            and all([grad.dtype is dtype and type(grad) is Tensor for grad in grads])  # noqa: C419
            and all([grad.layout is torch.strided for grad in grads])  # noqa: C419
            and all([name in each for name in self._copies for each in own])  # noqa: C419
            and all([each.get(name) == own[0].get(name) for name in self._counts for each in own])  # noqa: C419
        )

    def take(self, numbers: Numbers) -> None:
        """The numbers of this step."""
        self._numbers, self.sign = numbers, -1 if self.group.get("maximize") else 1

    def length(self) -> Tensor:
        """Of the gradient as it came."""
        self._grad.read(self.grads)
        return length_of(Leaf(self._grad.flat, self._grad.flat, {}, *self._numbers, is_one_run=True))

    def open(self) -> None:
        chain = self._chain
        if chain.sees_grad:
            self._grad.read(self.grads)
            if self.sign < 0:
                self._grad.flat.neg_()
        self._before.read(self.params)
        states: Options = {}
        for name, copy in self._copies.items():
            copy.read([own[name] for own in self._states])
            states[name] = copy.flat
        states.update({name: self._states[0].get(name, 0) for name in self._counts})
        self.leaf = Leaf(self._before.flat, self._grad.flat, states, *self._numbers, is_one_run=True)

    def give(self) -> None:
        given = self.grads
        if self._chain.changes_grad:
            given = self._grad.parts
            self._grad.take(self.leaf.grad)
            if self.sign < 0:
                self._grad.flat.neg_()
        for param, grad in zip(self.params, given):
            param.grad = grad

    def look(self) -> None:
        if self._chain.follows:
            self._param.read(self.params)
            self.leaf.param = self._param.flat

    def close(self) -> None:
        if self.leaf.param is self._param.flat:
            self._param.write(self.params)
        for name, copy in self._copies.items():
            copy.write([own[name] for own in self._states])
        for name in self._counts:
            for own in self._states:
                own[name] = self.leaf.states[name]
        del self.leaf


class Copy:
    """One tensor with copies of several in it."""

    def __init__(self, like: list[Tensor], shape: tuple[int, ...]) -> None:
        whole = torch.empty(sum([one.numel() for one in like]), dtype=like[0].dtype, device=like[0].device)  # noqa: C419
        self.flat = whole.view(shape)
        self.parts = [part.view(one.shape) for part, one in zip(whole.split([one.numel() for one in like]), like)]
        self._read = 0

    def read(self, tensors: list[Any]) -> None:
        torch._foreach_copy_(self.parts, tensors)
        self._read = self.flat._version

    def take(self, value: Tensor) -> None:
        """Be this one."""
        if value is not self.flat:
            self.flat.copy_(value)

    def write(self, tensors: list[Any]) -> None:
        """Back into them, if anything has been written since."""
        if self.flat._version != self._read:
            torch._foreach_copy_(tensors, self.parts)


Bundle = Single | Together


class Bundles:
    """The bundles of an optimizer; those of small parameters are kept as long as they are of the same kind."""

    def __init__(self) -> None:
        self._together: list[Together] = []
        self._singles: list[tuple[Options, Tensor]] = []
        self._params: list[Tensor] = []
        self._groups: list[tuple[Options, int]] = []

    def of(
        self,
        chain: Chain,
        groups: Sequence[Options],
        states: Mapping[Tensor, Options],
        shrinks: Callable[[Options], float],
    ) -> list[Bundle]:
        """All parameters that have a gradient; none together with others where the gradient is taken a second time."""
        own = [[param for param in group["params"] if param.grad is not None] for group in groups]
        if not self._are_of(groups, own) or not all([bundle.fits(states) for bundle in self._together]):  # noqa: C419
            self._divide(chain, groups, own, states)
        numbers = {id(group): _numbers_of(group, chain, shrinks(group)) for group in groups}
        for bundle in self._together:
            bundle.take(numbers[id(bundle.group)])
        singles = (Single(group, numbers[id(group)], param, states[param]) for group, param in self._singles)
        return [*self._together, *singles]

    def _are_of(self, groups: Sequence[Options], own: Sequence[list[Tensor]]) -> bool:
        """Whether they have been made for these."""
        params = [param for each in own for param in each]
        return (
            len(groups) == len(self._groups)
            and all(group is old and len(each) == n for group, each, (old, n) in zip(groups, own, self._groups))
            and all(map(is_, params, self._params))
        )

    def _divide(
        self, chain: Chain, groups: Sequence[Options], own: Sequence[list[Tensor]], states: Mapping[Tensor, Options]
    ) -> None:
        """Anew."""
        self._params = [param for each in own for param in each]
        self._groups = [(group, len(each)) for group, each in zip(groups, own)]
        self._together, self._singles, left = [], [], MOST_BYTES
        for group, each in zip(groups, own):
            alike: dict[Any, list[Tensor]] = {}
            for param in each:
                kind = None if chain.looks_twice else _kind(chain, param, states[param])
                alike.setdefault(kind, []).append(param)
            for kind, params in alike.items():
                n_bytes = sum([param.nbytes for param in params])  # noqa: C419
                if kind is None or len(params) < 2 or n_bytes > left:
                    self._singles += [(group, param) for param in params]
                    continue
                left -= n_bytes
                for param in params:
                    chain.prepare(Single(group, (0.0, 0.0, 1.0, None), param, states[param]).leaf)
                keep_freed_memory()
                self._together += [Together(chain, group, part, [states[p] for p in part]) for part in _cut(params)]


def _kind(chain: Chain, param: Tensor, state: Options) -> Any:
    """What those that are taken together have in common; None for one that is taken by itself."""
    grad: Any = param.grad
    is_usual = (
        type(param) in KINDS
        and type(grad) is Tensor
        and param.nbytes <= SMALL_BYTES
        and param.is_floating_point()
        and param.is_contiguous()
        and grad.dtype is param.dtype
        and grad.layout is torch.strided
    )
    calls = [state.get(name) for name in chain.state_names[1]]
    shape = param.shape if chain.looks_at_shapes else None
    return (param.dtype, param.device, shape, *calls) if is_usual else None


def _cut(params: list[Tensor]) -> Iterator[list[Tensor]]:
    """Stretches of at most TOGETHER_BYTES."""
    start, filled = 0, 0
    for i, param in enumerate(params):
        if filled and filled + param.nbytes > TOGETHER_BYTES:
            yield params[start:i]
            start, filled = i, 0
        filled += param.nbytes
    yield params[start:]


def _numbers_of(group: Options, chain: Chain, shrinks: float) -> Numbers:
    """Of each leaf of a group."""
    lr = float(group["lr"])
    peak = float(group.get("max_lr") or group.get("initial_lr") or lr)
    decay = float(group["weight_decay"]) if chain.decay is not None and "weight_decay" in group else None
    return lr, peak, shrinks, decay


def lone(value: Tensor) -> Tensor:
    """(1, *shape), or (1, 1) of a single number; complex numbers as pairs."""
    if value.layout != torch.strided:
        raise Unsupported(
            where="transforms",
            seen="a gradient is sparse",
            needed="dense gradients were needed",
            repair="Embedding(..., sparse=False) gives dense ones.",
        )
    real = torch.view_as_real(value) if value.is_complex() else value
    return real.unsqueeze(0) if real.dim() else real.view(1, 1)


def back(value: Tensor, like: Tensor) -> Tensor:
    """What `lone` made, in the parameter's own form; a view of a view."""
    if like.is_complex():
        pairs = value.reshape(*like.shape, 2)
        *others, last = pairs.stride()
        is_view = last == 1 and not any(stride % 2 for stride in (pairs.storage_offset(), *others))
        return torch.view_as_complex(pairs if is_view else pairs.contiguous())
    return value.reshape(like.shape)

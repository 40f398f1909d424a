"""Transforms around a rule's step: what they do to gradients before it, to the step after it, and to the weights then.

A Chain runs the transforms of one optimizer, or of the trials of a population that step together. It knows parameters
as Leaves; the rule itself is run between `begin` and `finish` by whoever owns it, and is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from steepest.core.errors import UsageError
from steepest.core.per_trial import PerTrial
from steepest.core.transform import Transform, Use

from .apply import Block, cut

Numbers = float | PerTrial
PART_BYTES = 2**23
"""Of the parameters between whose gradient and step copies are kept; a few times as much is taken for them."""
PIECE_BYTES, SUMMED_BYTES = 2**22, 2**20
"""Of a parameter that is larger than that, at a time; and where a float64 copy is summed."""


@dataclass
class Leaf:
    """One parameter of K trials, (K, *shape) with at least two axes; K = 1 for an optimizer.

    states: where the transforms keep theirs, by "transform.state"; tensors like param, and counts of calls.
    shrinks: the factor by which the rule's own decoupled weight decay multiplies the parameter; 1 where it has none.
    weight_decay: that of a transform that decays, where the parameter has one of its own.
    grad: read at `begin`, and replaced by what the transforms made of it.
    is_one_run: the first axis is not of trials but of tensors of one optimizer; after the rule's step `param` is another.
    """

    param: Tensor
    grad: Tensor
    states: MutableMapping[str, Any]
    lr: Numbers
    peak_lr: Numbers
    shrinks: Numbers = 1.0
    weight_decay: Numbers | None = None
    before: Tensor | None = field(default=None)
    is_one_run: bool = False

    def parts(self, whole_rows: bool = False, most: int = PIECE_BYTES) -> Iterator[tuple[Block, Leaf]]:
        """Where in each trial's parameter, and a view of at most so many bytes, or of one row where rows are whole."""
        limit = most // self.param.element_size() // len(self.param)
        of_one = self.param.shape[1:]
        n_rows = max(1, limit // max(1, of_one[1:].numel()))
        rows = [(slice(i, i + n_rows),) for i in range(0, of_one[0], n_rows)]
        for block in rows if whole_rows else cut(of_one, limit):
            at = (slice(None), *block)
            own = {n: v for n, v in self.states.items() if "." in n}  # an optimizer keeps those of its rule beside them
            states = {n: v[at] if isinstance(v, Tensor) else v for n, v in own.items()}
            yield block, replace(self, param=self.param[at], grad=self.grad[at], states=states)

    def copied(self) -> Leaf:
        """With memory of its own for all that a step writes."""
        states = {n: v.clone() if isinstance(v, Tensor) else v for n, v in self.states.items()}
        return replace(self, param=self.param.clone(memory_format=torch.contiguous_format), states=states)


@dataclass(frozen=True)
class Link:
    """A transform with its numbers: floats, counts, and PerTrial where trials differ."""

    transform: Transform
    settings: dict[str, Any]


class Chain:
    """Transforms in the order in which they were asked for; those of the gradient before the rule, others after it."""

    def __init__(self, links: Sequence[Link]) -> None:
        self.links = tuple(links)
        decaying = [link.transform.name for link in links if link.transform.decays]
        if len(decaying) > 1:
            raise UsageError(
                where="transforms",
                seen=" and ".join(decaying),
                needed="one transform that decays the weights was needed at most",
                repair="Leave one of them out.",
            )
        self._of = {kind: [link for link in links if link.transform.acts_on == kind] for kind in _KINDS}
        each = [link.transform for link in links]
        self.state_names = (
            [f"{one.name}.{name}" for one in each for name in one.states],
            [f"{one.name}.t" for one in each if "t" in one.takes],
        )
        """States that are tensors, and those that count calls."""

    @staticmethod
    def of(uses: Sequence[Use]) -> Chain:
        return Chain([Link(use.transform, use.settings) for use in uses])

    def __bool__(self) -> bool:
        return bool(self.links)

    @property
    def text(self) -> str:
        """The words that ask for it again: "clip_norm(max_norm=1) + cautious"."""
        return " + ".join(Use(link.transform, link.settings).text for link in self.links)

    @property
    def looks_twice(self) -> bool:
        """The gradient is taken a second time, elsewhere."""
        return bool(self._of["point"])

    @property
    def decay(self) -> Any:
        """The weight decay of the transform that takes the place of the rule's own; None: there is none."""
        return next((link.settings["weight_decay"] for link in self.links if link.transform.decays), None)

    @property
    def _keeps_step(self) -> bool:
        return bool(self._of["step"])

    @property
    def looks_at(self) -> str:
        """The most of a parameter that must be there at once: elements or rows."""
        return "rows" if any(link.transform.looks_at == "rows" for link in self.links) else "elements"

    @property
    def looks_at_shapes(self) -> bool:
        """Whether a transform sees more than single elements."""
        return any(link.transform.looks_at != "elements" for link in self.links)

    @property
    def changes_grad(self) -> bool:
        return bool(self._of["gradient"])

    @property
    def sees_grad(self) -> bool:
        return self.changes_grad or any("grad" in link.transform.takes for link in self.links)

    @property
    def follows(self) -> bool:
        """Whether there is something to be done after the rule's step."""
        return bool(self._of["step"] or self._of["weights"])

    @property
    def n_sums(self) -> int:
        """The transforms that ask for a sum over the whole tensor."""
        return sum(link.transform.looks_at == "tensor" for link in self.links)

    def displace(self, leaves: Sequence[Leaf]) -> None:
        """Put the parameters where the gradient is taken again."""
        norm = whole_norm(leaves)
        for leaf in leaves:
            for _, part in leaf.parts():
                moves = [_call(link, part.grad, part, norm, None)[0] for link in self._of["point"]]
                for move in moves:
                    part.param.add_(move)

    @property
    def needs_all(self) -> bool:
        """A length of the whole gradient is asked for after other transforms: all leaves must begin together."""
        return any("norm" in link.transform.takes for link in self._of["gradient"][1:])

    @property
    def needs_length(self) -> bool:
        """The length of the whole gradient as it comes is asked for."""
        return any("norm" in link.transform.takes for link in self._of["gradient"][:1])

    def begin(self, leaves: Sequence[Leaf], of_all: Tensor | None = None) -> bool:
        """Put the gradient for the rule into each leaf; False when the rule must not step this time.

        of_all: the length of the whole gradient, where the leaves are some of the parameters.
        """
        for leaf in leaves:
            self.prepare(leaf)
        for link in self._of["gradient"]:
            asks = "norm" in link.transform.takes
            norm = (whole_norm(leaves) if of_all is None else of_all) if asks else None
            calls = []
            for leaf in leaves:
                calls.append(_count(link, leaf))
                leaf.grad = _run(link, leaf.grad, leaf, norm, calls[-1])
            if link.transform.due is not None:
                counts = {name: link.settings[name] for name in link.transform.counts}
                if not all(link.transform.due(t, **counts) for t in calls):
                    return False
        for leaf in leaves:
            leaf.before = leaf.param if leaf.is_one_run else leaf.param.clone() if self._keeps_step else None
        return True

    def prepare(self, leaf: Leaf) -> None:
        """Make the states that are not there yet, before anything has moved."""
        for link in self.links:
            _make_states(link.transform, leaf)

    def finish(self, leaves: Sequence[Leaf]) -> None:
        """Change the step that the rule has just made, then what is made of the weights."""
        for link_kind in ("step", "weights"):
            if not self._of[link_kind]:
                continue
            for leaf in leaves:
                self._finish_one(leaf, link_kind)

    def _finish_one(self, leaf: Leaf, kind: str) -> None:
        if kind == "step":
            assert leaf.before is not None
            shrunk = leaf.before if _is_one(leaf.shrinks) else torch.mul(leaf.before, leaf.shrinks)  # type: ignore[arg-type]
            step = shrunk - leaf.param
            after, leaf.param = leaf.param, leaf.before  # what a body sees as param
            for link in self._of[kind]:
                step = _run(link, step, leaf, None, _count(link, leaf))
            leaf.param = torch.sub(shrunk, step, out=after)
            leaf.before = None
        else:
            value = leaf.param
            for link in self._of[kind]:
                value = _run(link, value, leaf, None, _count(link, leaf))
            if value is not leaf.param:
                leaf.param.copy_(value)

    def evaluated(self, states: MutableMapping[str, Any]) -> Tensor | None:
        """The weights at which the model is judged, as the state of a transform; None: those that it learns at."""
        names = [f"{link.transform.name}.{link.transform.evaluated}" for link in self.links if link.transform.evaluated]
        return states.get(names[-1]) if names else None


_KINDS = ("gradient", "step", "weights", "point")


def _run(link: Link, value: Tensor, leaf: Leaf, norm: Tensor | None, t: int) -> Tensor:
    """One transform of one parameter; its new states are written."""
    found, *states = _call(link, value, leaf, norm, t)
    for name, new in zip(link.transform.states, states):
        old = leaf.states[f"{link.transform.name}.{name}"]
        if new is not old:
            old.copy_(new)
    return found


def _call(link: Link, value: Tensor, leaf: Leaf, norm: Tensor | None, t: int | None) -> tuple[Any, ...]:
    transform = link.transform
    offered = {
        "grad": leaf.grad,
        "param": leaf.param,
        "t": t,
        "lr": leaf.lr,
        "peak_lr": leaf.peak_lr,
        "norm": None if norm is None else norm.to(value.device, value.dtype).view(-1, *[1] * (value.dim() - 1)),
    }
    first = next(iter(transform.fn.__code__.co_varnames))
    given = {name: offered[name] for name in offered if name in transform.takes and name != first}
    states = {name: leaf.states[f"{transform.name}.{name}"] for name in transform.states}
    settings = link.settings
    if transform.decays and leaf.weight_decay is not None:
        settings = {**settings, "weight_decay": leaf.weight_decay}
    found = transform.fn(value, **states, **given, **settings)
    return found if isinstance(found, tuple) else (found,)


def _make_states(transform: Transform, leaf: Leaf) -> None:
    for name in transform.states:
        key = f"{transform.name}.{name}"
        if key not in leaf.states:
            starts_there = transform.initial.get(name) == "param"
            leaf.states[key] = leaf.param.clone() if starts_there else torch.zeros_like(leaf.param)


def _count(link: Link, leaf: Leaf) -> int:
    """Which call this is, from 1; kept only where the body asks."""
    if "t" not in link.transform.takes:
        return 0
    key = f"{link.transform.name}.t"
    leaf.states[key] = leaf.states.get(key, 0) + 1
    return leaf.states[key]


def whole_norm(leaves: Sequence[Leaf]) -> Tensor:
    """The length of each trial's whole gradient, (K,), in float64."""
    return length_of_all([length_of(leaf) for leaf in leaves])


def length_of_all(lengths: Sequence[Tensor]) -> Tensor:
    return torch.linalg.vector_norm(torch.stack([n.to(lengths[0].device) for n in lengths]), dim=0)


def length_of(leaf: Leaf) -> Tensor:
    """Of one gradient, (K,); a large one passes through one buffer: freed copies may not be used again."""
    if leaf.grad.nbytes <= SUMMED_BYTES:
        rows = leaf.grad.reshape(1, -1) if leaf.is_one_run else leaf.grad.flatten(1)
        return torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
    found, wide = [], torch.empty(0, dtype=torch.float64, device=leaf.grad.device)
    for _, part in leaf.parts(most=SUMMED_BYTES):
        grad = part.grad.flatten(1)
        wide = wide if wide.shape == grad.shape else torch.empty_like(grad, dtype=torch.float64)
        found.append(torch.linalg.vector_norm(wide.copy_(grad), dim=1))
    return torch.linalg.vector_norm(torch.stack(found), dim=0)


def _is_one(value: Numbers) -> bool:
    return not isinstance(value, PerTrial) and value == 1

"""The record of a run: events in order, forward and backward passes, optimizers, data. Live objects: rules look at them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .graph import Op, ancestors
from .place import Place

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(eq=False)
class Event:
    """Something that happened in the training loop. at: the number of torch calls before it."""

    kind: str
    place: Place
    at: int
    of: Any = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class ModelCall:
    """A call of a module by the program itself, not by another module."""

    module: nn.Module
    inputs: list[Tensor]
    outputs: list[Tensor]
    training: bool
    grad: bool
    place: Place
    first_op: int
    last_op: int = 0
    step: int = 0
    kept: bool = False
    learned: bool = False
    arguments: tuple[Any, Any] | None = None
    built: list[tuple[nn.Module, int]] = field(default_factory=list)
    outputs_ops: list[Op] = field(default_factory=list)
    layers: list[LayerCall] = field(default_factory=list)

    @property
    def is_model(self) -> bool:
        """It has weights: a loss or an activation has none."""
        return next(self.module.parameters(), None) is not None


@dataclass(eq=False)
class LayerCall:
    """A call of a module inside a model."""

    module: nn.Module
    shapes: list[tuple[int, ...]]
    inputs: list[Tensor]
    kwargs: dict[str, Any]


@dataclass(eq=False)
class Backward:
    """One call of backward: what its root was, what it reached."""

    place: Place
    at: int
    root: Tensor | None
    op: Op | None
    value: float
    requires_grad: bool
    is_leaf: bool
    step: int
    leaves: list[Tensor] = field(default_factory=list)
    norms: dict[int, float] = field(default_factory=dict)
    error: str = ""
    kept: bool = False
    seconds: float = 0.0

    def ops(self) -> Iterator[Op]:
        return ancestors(self.op)


@dataclass(eq=False)
class OptimizerSeen:
    """An optimizer that the program built."""

    optimizer: Any
    params: list[Tensor]
    place: Place
    at: int
    steps: int = 0
    clean: bool = True
    dirty_steps: list[Place] = field(default_factory=list)
    empty_steps: list[Place] = field(default_factory=list)
    backward_since_step: int = 0
    thrown_away: list[Place] = field(default_factory=list)
    last_zero: Place | None = None
    zeroed_since_backward: bool = False
    first_lr: float = 0.0
    has_closure: bool = False
    lrs: list[float] = field(default_factory=list)
    unreached: dict[int, int] = field(default_factory=dict)


@dataclass(eq=False)
class LoaderSeen:
    """A DataLoader that the program iterated: how often, and its first batches."""

    loader: Any
    place: Place
    entries: int = 0
    batches: int = 0
    single: int = 0
    open_batches: int = 0
    first: list[Any] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


@dataclass(eq=False)
class LossCall:
    """A call of one of torch's losses, or of its error."""

    op: Op
    training: bool
    labels: dict[float, int] = field(default_factory=dict)
    error: str = ""


@dataclass(eq=False)
class Run:
    """Everything that was seen."""

    events: list[Event] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    backwards: list[Backward] = field(default_factory=list)
    optimizers: list[OptimizerSeen] = field(default_factory=list)
    loaders: list[LoaderSeen] = field(default_factory=list)
    losses: list[LossCall] = field(default_factory=list)
    compares: list[Op] = field(default_factory=list)
    clips: list[Event] = field(default_factory=list)
    schedules: list[Event] = field(default_factory=list)
    sinks: list[Op] = field(default_factory=list)
    steps: int = 0
    ended: str = ""
    error: str = ""
    error_line: int = 0
    error_op: Op | None = None
    roots_alive: int = 0
    cut: bool = False
    left: bool = False
    file: str = ""
    dead_units: list[tuple[Op, Tensor]] = field(default_factory=list)

    def kept(self) -> list[Backward]:
        """Backward passes whose tensors are still there."""
        return [b for b in self.backwards if b.kept and b.op is not None]

    def models(self) -> list[nn.Module]:
        """The models that the program called, each once."""
        found: dict[int, nn.Module] = {}
        for call in self.calls:
            if call.is_model:
                found.setdefault(id(call.module), call.module)
        return list(found.values())

    def line_of(self, model: str) -> int:
        """The line on which the program first calls a model of this class; 0 where it never does."""
        return next((c.place.line for c in self.calls if c.is_model and type(c.module).__name__ == model), 0)

    def calls_in(self, backward: Backward) -> list[ModelCall]:
        """The calls of models whose outputs went into a backward pass; those with kept tensors."""
        made = {id(op) for op in backward.ops()}
        return [c for c in self.calls if c.kept and c.is_model and self._outputs_in(c, made)]

    def _outputs_in(self, call: ModelCall, made: set[int]) -> bool:
        return any(id(op) in made for op in call.outputs_ops)

    def is_used(self, params: list[Tensor]) -> bool:
        """A backward pass reached one of them."""
        ids = {id(p) for p in params}
        return any(id(t) in ids for b in self.backwards for t in b.leaves)

    def is_changed(self, leaf: Tensor) -> bool:
        """It was written to since the first backward pass that reached it: somebody trains it by hand."""
        first = self.versions.get(id(leaf))
        return first is not None and leaf._version > first

    def changed_by_hand(self) -> bool:
        return any(self.is_changed(t) for b in self.backwards[:5] for t in b.leaves)

    dropouts: list[Op] = field(default_factory=list)
    views: list[Op] = field(default_factory=list)
    op_of: Any = None
    look: Any = None
    versions: dict[int, int] = field(default_factory=dict)
    loaded: set[int] = field(default_factory=set)
    growing: tuple[Op, int] | None = None
    keep_alive: Any = None

"""The record of a run: events in order, forward and backward passes, optimizers, data. Live objects: rules look at them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .graph import Op, ancestors
from .place import Place

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .ownership import Hidden


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
    _crosstalk: float | None = None
    _looks_ahead: float | None = None

    @property
    def is_model(self) -> bool:
        """It has weights: a loss or an activation has none."""
        return next(self.module.parameters(), None) is not None

    def crosstalk(self) -> float:
        """How much a change of one sample moves the output of the others (see probes)."""
        if self._crosstalk is None:
            from .probes import crosstalk

            self._crosstalk = crosstalk(self)
        return self._crosstalk

    def looks_ahead(self, which: int = 0) -> float:
        """How much a change of the later part of an input moves the earlier output (see probes)."""
        if self._looks_ahead is None:
            from .probes import looks_ahead

            self._looks_ahead = looks_ahead(self, which)
        return self._looks_ahead

    def ignores_input(self) -> bool:
        """See health.ignores_input."""
        from .health import ignores_input

        return ignores_input(self)

    def acts_by_mode(self, training: bool) -> list[str]:
        """See modes.switched."""
        from .modes import switched

        return switched(self.module, training)

    def is_causal(self) -> bool:
        """Outputs depend on earlier input only, and do on their own place."""
        from .probes import looks_ahead, per_time

        return looks_ahead(self, 0) < 1e-6 and per_time(self)


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

    def is_trained_on(self, run: Run) -> bool:
        """A model learned from one of its batches."""
        from .tracer import tensors_in

        ids = {id(t) for batch in self.first for t in tensors_in(batch)}
        return any(c.learned and any(id(t) in ids for t in c.inputs) for c in run.calls)


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

    def calls_in(self, backward: Backward) -> list[ModelCall]:
        """The calls of models whose outputs went into a backward pass; those with kept tensors."""
        made = {id(op) for op in backward.ops()}
        return [c for c in self.calls if c.kept and c.is_model and self._outputs_in(c, made)]

    def _outputs_in(self, call: ModelCall, made: set[int]) -> bool:
        return any(id(op) in made for op in call.outputs_ops)

    def prefers_wrong(self, seen: Backward) -> tuple[float, float] | None:
        """See sign.prefers_wrong."""
        from .sign import prefers_wrong

        return prefers_wrong(self, seen)

    def hidden_modules(self) -> list[Hidden]:
        """See ownership.hidden_modules."""
        from .ownership import hidden_modules

        return list(hidden_modules(self.models()))

    def loose_tensors(self) -> list[Hidden]:
        """See ownership.loose_tensors."""
        from .ownership import loose_tensors

        return list(loose_tensors(self.models()))

    def without_optimizer(self) -> list[tuple[str, Tensor]]:
        """See ownership.without_optimizer."""
        from .ownership import without_optimizer

        return without_optimizer(self)

    def stale_in_optimizer(self) -> list[OptimizerSeen]:
        """See ownership.stale_in_optimizer."""
        from .ownership import stale_in_optimizer

        return stale_in_optimizer(self)

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

    def shared_rows(self) -> list[tuple[int, float, int]]:
        """See rows.shared_rows."""
        from .rows import shared_rows

        return shared_rows(self)

    def overlapping_split(self) -> list[tuple[int, float]]:
        """See rows.overlapping_split."""
        from .rows import overlapping_split

        return overlapping_split(self)

    def is_batch_axis(self, call: ModelCall) -> bool:
        """Axis 0 of the call's first input counts samples: a loader collated it, or the output has one row for each."""
        given = call.inputs[0]
        from .tracer import tensors_in

        for loader in self.loaders:
            default = getattr(getattr(loader.loader, "collate_fn", None), "__name__", "") == "default_collate"
            if default and any(t is given for batch in loader.first for t in tensors_in(batch)):
                return True
        out = call.outputs[0] if call.outputs else None
        return out is not None and out.dim() in (1, 2) and out.shape[0] == given.shape[0] and given.dim() in (2, 3)

    def gradients_by_layer(self) -> list[tuple[str, list[tuple[str, float]]]]:
        """See health.gradients_by_layer."""
        from .health import gradients_by_layer

        return gradients_by_layer(self)

    def equal_weights(self) -> list[tuple[str, list[str]]]:
        """See health.equal_weights."""
        from .health import equal_weights

        return equal_weights(self)

    def eight_by_heart(self) -> tuple[float, float, int] | None:
        """See health.eight_by_heart."""
        from .health import eight_by_heart

        return eight_by_heart(self)

    def ragged(self) -> tuple[int, int] | None:
        """(size of a batch, size of the last one) of a loader whose last batch is smaller."""
        for seen in self.loaders:
            size, rows = getattr(seen.loader, "batch_size", None), getattr(seen.loader, "dataset", None)
            if size and hasattr(rows, "__len__") and not seen.loader.drop_last and len(rows) % size:
                return size, len(rows) % size
        return None

    def is_evaluation(self, call: ModelCall) -> bool:
        """See modes.is_evaluation."""
        from .modes import is_evaluation

        return is_evaluation(call, self)

    def evaluated_before(self, call: ModelCall) -> bool:
        """See modes.evaluated_before."""
        from .modes import evaluated_before

        return evaluated_before(call, self)

    dropouts: list[Op] = field(default_factory=list)
    views: list[Op] = field(default_factory=list)
    op_of: Any = None
    versions: dict[int, int] = field(default_factory=dict)
    loaded: set[int] = field(default_factory=set)
    growing: tuple[Op, int] | None = None
    keep_alive: Any = None

"""What rules may ask of a run beyond its record: probes on copies of models, ownership of parameters, rows of the data."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .graph import ancestors
from .health import eight_by_heart, equal_weights, gradients_by_layer, ignores_input
from .modes import evaluated_before, is_evaluation, switched
from .ownership import Hidden, hidden_modules, loose_tensors, stale_in_optimizer, without_optimizer
from .probes import crosstalk, looks_ahead, per_time
from .record import Backward, LoaderSeen, ModelCall, OptimizerSeen, Run
from .rows import overlapping_split, shared_rows
from .sign import prefers_wrong
from .tracer import tensors_in


class Look:
    """Answers about one run. Each probe of a call is made once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._crosstalk: dict[int, float] = {}

    def crosstalk(self, call: ModelCall) -> float:
        """See probes.crosstalk."""
        if id(call) not in self._crosstalk:
            self._crosstalk[id(call)] = crosstalk(call)
        return self._crosstalk[id(call)]

    def looks_ahead(self, call: ModelCall, which: int = 0) -> float:
        return looks_ahead(call, which)

    def is_causal(self, call: ModelCall) -> bool:
        """Outputs depend on earlier input only, and do on their own place."""
        return looks_ahead(call, 0) < 1e-6 and per_time(call)

    def ignores_input(self, call: ModelCall) -> bool:
        return ignores_input(call)

    def acts_by_mode(self, call: ModelCall, training: bool) -> list[str]:
        return switched(call.module, training)

    def is_evaluation(self, call: ModelCall) -> bool:
        return is_evaluation(call, self.run)

    def evaluated_before(self, call: ModelCall) -> bool:
        return evaluated_before(call, self.run)

    def prefers_wrong(self, seen: Backward) -> tuple[float, float] | None:
        return prefers_wrong(self.run, seen)

    def hidden_modules(self) -> list[Hidden]:
        return list(hidden_modules(self.run.models()))

    def loose_tensors(self) -> list[Hidden]:
        return list(loose_tensors(self.run.models()))

    def without_optimizer(self) -> list[tuple[str, Tensor]]:
        return without_optimizer(self.run)

    def stale_in_optimizer(self) -> list[OptimizerSeen]:
        return stale_in_optimizer(self.run)

    def shared_rows(self) -> list[tuple[int, float, int]]:
        return shared_rows(self.run)

    def overlapping_split(self) -> list[tuple[int, float]]:
        return overlapping_split(self.run)

    def gradients_by_layer(self) -> list[tuple[str, list[tuple[str, float]]]]:
        return gradients_by_layer(self.run)

    def equal_weights(self) -> list[tuple[str, list[str]]]:
        return equal_weights(self.run)

    def eight_by_heart(self) -> tuple[float, float, int] | None:
        return eight_by_heart(self.run)

    def is_trained_on(self, loader: LoaderSeen) -> bool:
        """A model learned from one of its batches."""
        ids = {id(t) for batch in loader.first for t in tensors_in(batch)}
        return any(c.learned and any(id(t) in ids for t in c.inputs) for c in self.run.calls)

    def is_batch_axis(self, call: ModelCall) -> bool:
        """Axis 0 of the call's first input counts samples: a loader collated it, or the output has one row for each."""
        given = call.inputs[0]
        for loader in self.run.loaders:
            default = getattr(getattr(loader.loader, "collate_fn", None), "__name__", "") == "default_collate"
            if default and any(t is given for batch in loader.first for t in tensors_in(batch)):
                return True
        if given.dim() == 3 and self._targets_count(call, given.shape[0], given.shape[1]):
            return True
        out = call.outputs[0] if call.outputs else None
        return out is not None and out.dim() in (1, 2) and out.shape[0] == given.shape[0] and given.dim() in (2, 3)

    def _targets_count(self, call: ModelCall, n: int, other: int) -> bool:
        """The loss that the call led to has n targets, and n is not the length of the other axis."""
        made = {id(op) for op in call.outputs_ops}
        for loss in self.run.losses:
            target = loss.op.ref(1, "target")
            if target is not None and loss.op.step == call.step and target.shape in ((n,), (n, 1)) and n != other:
                if any(id(a) in made for a in ancestors(loss.op)):
                    return True
        return False

    def ragged(self) -> tuple[int, int] | None:
        """(size of a batch, size of the last one) of a loader whose last batch is smaller."""
        for seen in self.run.loaders:
            size: Any = getattr(seen.loader, "batch_size", None)
            rows: Any = getattr(seen.loader, "dataset", None)
            if size and hasattr(rows, "__len__") and not seen.loader.drop_last and len(rows) % size:
                return size, len(rows) % size
        return None

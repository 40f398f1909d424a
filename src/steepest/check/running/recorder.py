"""The recorder: torch's own entrances, replaced while a program runs, tell what the training loop does."""

from __future__ import annotations

import math
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from .gradients import leaves_of, norms_of
from .graph import Op
from .health import RELUS, dead_in
from .look import Look
from .optimizers import Optimizers
from .patches import Patches
from .place import Place, Turn, here
from .record import Backward, Event, LayerCall, LoaderSeen, LossCall, ModelCall, OptimizerSeen, Run
from .tracer import Tracer, tensors_in

LOSSES = frozenset(
    "cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss huber_loss kl_div "
    "poisson_nll_loss gaussian_nll_loss hinge_embedding_loss margin_ranking_loss cosine_embedding_loss soft_margin_loss ctc_loss "
    "multilabel_soft_margin_loss multilabel_margin_loss multi_margin_loss triplet_margin_loss".split()
)
DROPOUTS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"})
LAYERS = (nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.TransformerEncoder,
          nn.TransformerDecoder, nn.Transformer)  # fmt: skip
KEEP_STEPS, KEEP_EVALUATIONS, KEEP_LABELS = 8, 12, 400
MOST_CALLS = 3000


class Enough(BaseException):
    """Raised inside the program when the recorder has seen what it needs."""


class Recorder(Optimizers):
    """Records while `recording()` is entered. budget: optimizer steps that are looked at closely; limit_s: time for all."""

    def __init__(self, budget: int = 30, limit_s: float = 60.0) -> None:
        self.run = Run()
        self.budget, self.limit_s = budget, limit_s
        self.tracer = Tracer(self.keeps, self.on_op, self.on_error)
        self.run.op_of = self.tracer.op_of
        self.run.look = Look(self.run)
        self.started = time.monotonic()
        self.first_step = 0.0
        self.n_kept: Counter[Any] = Counter()
        self.inside: dict[int, list[int]] = {}
        self.roots: list[weakref.ref[Tensor]] = []
        self.call: ModelCall | None = None
        self.depth: Counter[str] = Counter()
        self.stepping: list[OptimizerSeen] = []
        self.stepped_since_backward = True
        self.closures: set[int] = set()
        self.active = False
        self.when_stepped: Any = None
        self.stops_tracing_after = 0
        self.n_gradients = 40
        self.has_traced = False
        self._tracing: Any = None
        self._patches: Patches | None = None

    # -- what is kept, and how long the program goes on ------------------------------------------------------------

    def keeps(self) -> bool:
        if torch.is_grad_enabled():
            return self.run.steps < KEEP_STEPS and len(self.run.backwards) < 2 * KEEP_STEPS
        return self.n_kept["evaluation"] < KEEP_EVALUATIONS

    def goes_on(self, turn: Turn) -> bool:
        """False ends the loop: it trains or evaluates, and more of it would show nothing new."""
        now = time.monotonic()
        if now - self.started > self.limit_s:
            raise Enough
        if turn.turn < 3 or not self._exhausted(now):
            return True
        steps, calls = self.inside.get(turn.entry, (0, 0))
        if steps or (calls and turn.turn >= 10):
            self.run.cut = True
            return False
        return True

    def _exhausted(self, now: float) -> bool:
        n, most = self.run.steps, 10 * self.budget
        since = time.process_time() - self.first_step if self.first_step else 0.0
        slow = n >= self.budget and since > 6
        return slow or n >= most or len(self.run.backwards) >= 2 * most or now - self.started > 0.6 * self.limit_s

    def _count_inside(self, place: Place, which: int) -> None:
        for turn in place.loops:
            self.inside.setdefault(turn.entry, [0, 0])[which] += 1

    def event(self, kind: str, of: Any = None, **data: Any) -> Event:
        event = Event(kind, here(), self.tracer.count, of, data)
        if len(self.run.events) < 20_000:
            self.run.events.append(event)
        return event

    # -- calls of torch --------------------------------------------------------------------------------------------

    def on_op(self, op: Op) -> None:
        if self.tracer.result is not None and self.tracer.result.is_meta:
            return  # a dry pass, in which Keras and others ask for shapes
        if op.name in LOSSES:
            self._loss(op, "")
        elif op.name in RELUS and op.grad and self.tracer.result is not None and self.keeps():
            out = self.tracer.result
            if out.dim() > 1 and out.shape[0] >= 16:
                self.run.dead_units.append((op, dead_in(out.detach())))
        elif op.name in ("view", "reshape"):
            self._keep_some(op, self.run.views)
        elif op.name in DROPOUTS and op.module is not None and not op.module.training:
            if not type(op.module).__module__.startswith("torch."):
                self._keep_some(op, self.run.dropouts)
        elif op.module is None and op.name == "add" and op.out and op.out[0].shape in ((), (1,)):
            self._growing_sum(op)
        elif op.module is None and op.name in (
            "eq",
            "ne",
            "gt",
            "ge",
            "lt",
            "le",
            "round",
            "argmax",
            "max",
            "sub",
            "numpy",
            "tolist",
        ):
            self._keep_some(op, self.run.compares)

    def _keep_some(self, op: Op, where: list[Op]) -> None:
        """The first three of each line, and the first three without gradients."""
        key = (op.name, op.place.line, op.grad)
        self.n_kept[key] += 1
        if self.n_kept[key] <= 3:
            where.append(op)

    def on_error(self, op: Op, error: Exception) -> None:
        self.run.error_op = op
        if op.name in LOSSES:
            self._loss(op, str(error))

    def _growing_sum(self, op: Op) -> None:
        """A chain of sums with gradients over several steps of the optimizer."""
        result = self.tracer.result
        if not torch.is_grad_enabled() or result is None or not result.requires_grad:
            return
        length, step = max((r.op.chain for r in op.refs() if r.op is not None), default=(0, -1))
        length += step != self.run.steps
        op.chain = (length, self.run.steps)
        if length >= 4 and (self.run.growing is None or self.run.growing[1] < length):
            self.run.growing = (op, length)

    def _loss(self, op: Op, error: str) -> None:
        call = LossCall(op, op.grad, {}, error)
        if len(self.run.losses) < KEEP_LABELS:
            args, kwargs = self.tracer.raw
            target = kwargs.get("target", args[1] if len(args) > 1 else None)
            if isinstance(target, Tensor) and target.numel() <= 100_000 and not target.is_meta:
                call.labels = _labels(target)
            self.run.losses.append(call)

    # -- modules ---------------------------------------------------------------------------------------------------

    def called(self, original: Any, module: nn.Module, args: Any, kwargs: Any) -> Any:
        stack = self.tracer.modules
        if self.tracer.paused or (stack and (self.has_traced or stack[-1] is module)):
            return original(*args, **kwargs)
        if not stack:
            return self._called_by_user(original, module, args, kwargs)
        if self.call is not None and self.call.kept and isinstance(module, LAYERS):
            inputs = [t for a in args for t in tensors_in(a)]
            self.call.layers.append(LayerCall(module, [tuple(t.shape) for t in inputs], inputs, dict(kwargs)))
        return self._stacked(original, module, args, kwargs)

    def _called_by_user(self, original: Any, module: nn.Module, args: Any, kwargs: Any) -> Any:
        place = here()
        inputs = list(tensors_in((args, kwargs)))
        grad = torch.is_grad_enabled()
        call = ModelCall(module, [], [], module.training, grad, place, self.tracer.count, step=self.run.steps)
        key = (id(module), place.line, module.training, grad)
        self.n_kept[key] += 1
        call.kept = self.n_kept[key] <= 3 and self.keeps()
        if not grad:
            self.n_kept["evaluation"] += 1
        self._count_inside(place, 1)
        if len(self.run.calls) < MOST_CALLS:
            self.run.calls.append(call)
        if isinstance(module, LAYERS) and call.kept:
            call.layers.append(LayerCall(module, [tuple(t.shape) for t in inputs], inputs, dict(kwargs)))
        before, self.call = self.call, call
        try:
            result = self._stacked(original, module, args, kwargs)
        finally:
            self.call = before
        call.last_op = self.tracer.count
        if call.kept:
            call.inputs, call.outputs = inputs, list(tensors_in(result))
            call.arguments = (args, kwargs)
        call.outputs_ops = [op for t in tensors_in(result) if (op := self.tracer.op_of(t)) is not None]
        return result

    def _stacked(self, original: Any, module: nn.Module, args: Any, kwargs: Any) -> Any:
        self.tracer.modules.append(module)
        try:
            return original(*args, **kwargs)
        finally:
            self.tracer.modules.pop()

    def built(self, module: nn.Module) -> None:
        if self.call is not None and not module.__class__.__module__.startswith("torch.nn.modules.loss"):
            self.call.built.append((module, here().line))

    def train_mode(self, original: Any, module: nn.Module, mode: bool = True) -> Any:
        if not self.depth["train"] and not self.tracer.modules:
            self.event("train" if mode else "eval", module)
        with self._inside("train"):
            return original(module, mode)

    @contextmanager
    def _inside(self, what: str) -> Iterator[None]:
        self.depth[what] += 1
        try:
            yield
        finally:
            self.depth[what] -= 1

    # -- gradients -------------------------------------------------------------------------------------------------

    def backward(self, original: Any, roots: Any, args: Any, kwargs: Any) -> Any:
        if self.depth["backward"]:
            return original(*args, **kwargs)
        root = next(tensors_in(roots), None)
        seen = self._before_backward(root)
        self.tracer.paused += 1
        try:
            with self._inside("backward"):
                result = original(*args, **kwargs)
        except Exception as error:
            seen.error = str(error)
            raise
        finally:
            self.tracer.paused -= 1
            self._after_backward(seen)
        return result

    def _before_backward(self, root: Tensor | None) -> Backward:
        place, run = here(), self.run
        op = self.tracer.op_of(root) if root is not None else None
        value = float(root.detach()) if root is not None and root.numel() == 1 else math.nan
        seen = Backward(place, self.tracer.count, None, op, value, bool(root is not None and root.requires_grad),
                        bool(root is not None and root.is_leaf), run.steps)  # fmt: skip
        key = ("backward", place.line)
        self.n_kept[key] += 1
        seen.kept = self.n_kept[key] <= 3 and run.steps < KEEP_STEPS
        if seen.kept:
            seen.root = root
        elif root is not None and not self.keeps():
            self._watch_root(root)
        if root is not None and len(run.backwards) < self.n_gradients:
            seen.leaves = leaves_of(root)
            for t in seen.leaves:
                run.versions.setdefault(id(t), t._version)
        if op is not None:
            self._mark_learned(seen)
        for o in run.optimizers:
            self._look_clean(o)
            o.backward_since_step += 1
            o.zeroed_since_backward = False
            if o in self.stepping:
                self.closures.add(id(o))
        return seen

    def _mark_learned(self, seen: Backward) -> None:
        made = {id(op) for op in seen.ops()}
        for call in reversed(self.run.calls[-60:]):
            if not call.learned and any(id(op) in made for op in call.outputs_ops):
                call.learned = True

    def _watch_root(self, root: Tensor) -> None:
        self.roots = [r for r in self.roots if r() is not None][-60:]
        self.run.roots_alive = max(self.run.roots_alive, len(self.roots))
        self.roots.append(weakref.ref(root))

    def _after_backward(self, seen: Backward) -> None:
        self.stepped_since_backward = False
        if len(self.run.backwards) < self.n_gradients:
            seen.norms = norms_of(seen.leaves)
        if not seen.kept:
            seen.op = None
        if len(self.run.backwards) < 5000:
            self.run.backwards.append(seen)

    def loaded(self, module: nn.Module) -> None:
        """Weights were loaded into a module: what is not trained further is so on purpose."""
        self.event("load", module)
        self.run.loaded |= {id(p) for p in module.parameters()}

    # -- data ------------------------------------------------------------------------------------------------------

    def loader_entered(self, loader: Any, place: Place | None = None) -> LoaderSeen:
        found = next((s for s in self.run.loaders if s.loader is loader), None)
        place = place or here()
        if found is None:
            found = LoaderSeen(loader, place)
            self.run.loaders.append(found)
        if found.entries and found.open_batches == 1:
            found.single += 1
        found.entries += 1
        found.open_batches = 0
        if len(found.places) < 200:
            found.places.append(place)
        return found

    def batch_drawn(self, loader: Any, batch: Any) -> None:
        found = next((s for s in self.run.loaders if s.loader is loader), None)
        if found is None:
            return
        found.batches += 1
        found.open_batches += 1
        if len(found.first) < 40:
            found.first.append(batch)

    @contextmanager
    def recording(self) -> Iterator[Run]:
        """While entered, everything is recorded; afterwards torch is as before."""
        hooks = [register_optimizer_step_pre_hook(self.before_step), register_optimizer_step_post_hook(self.after_step)]
        self._patches = patches = Patches(self)
        self.active = True
        try:
            with patches, ExitStack() as tracing:
                self._tracing = tracing
                tracing.enter_context(self.tracer)
                yield self.run
        finally:
            self.active, self._patches = False, None
            for hook in hooks:
                hook.remove()


def _labels(target: Tensor) -> dict[float, int]:
    """Value -> count, when there are few of them."""
    flat = target.detach().reshape(-1)
    if flat.numel() == 0 or flat.is_complex():
        return {}
    values, counts = flat.unique(return_counts=True)
    return dict(zip(values.tolist(), counts.tolist())) if len(values) <= 200 else {}

"""Which engine trains a population: chosen by a fixed rule, so that a repeated study does the same, and the reason."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from steepest.core.errors import ModelError, UsageError, did_you_mean
from steepest.core.sealed import sealed
from steepest.kernels.images import Convolutions
from steepest.kernels.stacked_program import NotStackable

from .block import Block, make_block
from .dropout import FixedDropout, Recorder, StepMasks
from .engine_loop import LoopEngine, has_images
from .engine_stacked import StackedEngine
from .engine_vmap import VmapEngine, missing_rule
from .memory import Kept
from .task import Task
from .weights import Weights

ENGINES = ("stacked", "vmap", "loop")
CACHED_BYTES = {True: 2**22, False: 2**19}
"""Of one trial's largest layer, up to which stacked convolutions beat a loop on a CPU: where our kernels know them all, and
where torch's take the trials as groups of channels. bench/conv_engines.py."""
NAMES = ("auto", "probe", *ENGINES)
TRIED_ROWS = 4


class Engine(Protocol):
    """Forward passes of a block of trials: in training mode with a step's masks, or in evaluation mode."""

    name: str
    runs_one_by_one: bool

    def forward(self, block: Block, x: Tensor, masks: StepMasks) -> Tensor:
        """x (S, N, *) of the seeds -> outputs (k, N, *) of the block's trials."""
        ...

    def judge(self, block: Block, x: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Sample:
    """What an engine is tried on: a fresh model, rows as two seeds' batches x (2, N, *), the size of real ones."""

    model: nn.Module
    x: Tensor
    batch_size: int

    @staticmethod
    def of(task: Task, model: nn.Module, seed: int) -> Sample:
        rows = task.train_set(seed).x[: 2 * TRIED_ROWS]
        half = max(1, len(rows) // 2)
        return Sample(model, torch.stack([rows[:half], rows[-half:]]), task.batch_size)


@dataclass(frozen=True)
class Choice:
    """The engine, why, and the bytes of one trial's pass over a batch: all that it needs, and its largest layer."""

    engine: Engine
    message: str
    passing_bytes: int
    layer_bytes: int


@dataclass(frozen=True)
class Look:
    """What a training pass of a copy shows: random numbers drawn; for a real batch, bytes of the largest layer's output
    and of all that is kept for the backward pass."""

    has_dropout: bool
    has_noise: bool
    largest_bytes: int
    kept_bytes: int

    @property
    def passing_bytes(self) -> int:
        """At its peak: what is kept, and two gradients of the largest layer."""
        return self.kept_bytes + 2 * self.largest_bytes


def check_engine_name(name: str) -> None:
    if name not in NAMES:
        raise UsageError(
            where="Population",
            seen=f"engine is {name!r}",
            needed=f"one of {', '.join(NAMES)} was needed",
            repair=did_you_mean(name, NAMES),
        )


def choose(asked: str, sample: Sample) -> Choice:
    """The asked engine, or that of the fixed rule for "auto"; the next slower, and why, where it cannot run the model.

    All layers have stacked forms: stacked. Else vmap, and the loop for what vmap cannot batch. On a CPU convolution
    nets loop where their largest layer is too large for the cache, and never run by vmap.
    """
    look = look_at(sample)
    engine, message = _engine(asked, sample, look)
    return Choice(engine, message, look.passing_bytes, look.largest_bytes)


def _engine(asked: str, sample: Sample, look: Look) -> tuple[Engine, str]:
    images = _convolutions(sample) if _convolves_on_cpu(sample) else None
    layout = "plain" if images is None else "kernels" if images.are_answered else "channels_last"
    loop = LoopEngine(look.has_dropout, look.has_noise, layout)
    if asked == "loop":
        return loop, "asked for"
    if look.has_noise:
        return loop, "its forward draws random numbers other than dropout's: trials run one after another"
    if asked == "auto" and images is not None and look.largest_bytes > CACHED_BYTES[images.are_known]:
        return loop, "large convolutions on a CPU: trials run one after another, each in the cache"
    reasons: list[str] = []
    for name in ("stacked", "vmap") if asked != "vmap" else ("vmap",):
        engine, reason = _tried(name, sample, loop)
        if engine is not None:
            return engine, "; ".join([*reasons, "asked for" if asked == name else f"{name} runs all of it"])
        reasons.append(f"not {name}: {reason}")
        if asked == "auto" and images is not None:
            break
    return loop, "; ".join([*reasons, "trials run one after another"])


def _convolves_on_cpu(sample: Sample) -> bool:
    return sample.x.device.type == "cpu" and has_images(sample.model)


def _convolutions(sample: Sample) -> Convolutions:
    """What a pass of a copy shows of them."""
    model = copy.deepcopy(sample.model).train()
    with sealed("look", 0), torch.no_grad(), Convolutions() as found:
        model(sample.x[0])
    return found


def look_at(sample: Sample) -> Look:
    recorder, sizes = Recorder(), [0]
    model = copy.deepcopy(sample.model).cpu().train()
    for module in model.modules():
        module.register_forward_hook(lambda m, inputs, out: sizes.append(out.nbytes if isinstance(out, Tensor) else 0))
    rows, kept = sample.x[0].cpu().clone(), Kept.by(model)
    with sealed("look", 0), torch.enable_grad():
        before = torch.default_generator.get_state()
        with FixedDropout(recorder), torch.autograd.graph.saved_tensors_hooks(kept, lambda same: same):
            try:
                model(rows)
            except Exception as error:
                raise ModelError(
                    where=type(sample.model).__name__,
                    seen=f"a batch of {tuple(rows.shape)} in training mode raised {type(error).__name__}: {error}",
                    needed="the model must take a batch of the data",
                    repair="Does it work by itself, after model.train()?",
                ) from error
        has_noise = not torch.equal(before, torch.default_generator.get_state())
    dropouts = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
    has_dropout = bool(recorder.calls) or any(isinstance(m, dropouts) for m in model.modules())
    per_batch = sample.batch_size / len(rows)
    return Look(has_dropout, has_noise, int(max(sizes) * per_batch), int(kept.n_bytes * per_batch))


def _tried(name: str, sample: Sample, loop: LoopEngine) -> tuple[Engine | None, str]:
    """The engine if its outputs, gradients and buffers equal those of the plain modules, else the reason."""
    try:
        with _no_slow_fallback():
            engine: Engine = StackedEngine(sample.model) if name == "stacked" else VmapEngine(sample.model)
            found = _two_trials(engine, sample)
    except NotStackable as reason:
        return None, str(reason)
    except Exception as error:
        return None, missing_rule(error)
    tolerance = 1e-7 if sample.x.dtype == torch.float64 else 1e-3
    if not all(_is_close(a, b, tolerance) for a, b in zip(found, _two_trials(loop, sample))):
        return None, "its outputs differ from those of the plain model"
    return engine, ""


def _two_trials(engine: Engine, sample: Sample) -> list[Tensor]:
    """Of two equal trials on two seeds' batches: outputs in training and evaluation, gradients, buffers afterwards."""
    weights, seed_rows = Weights([sample.model], [0, 0]), torch.tensor([0, 1], device=sample.x.device)
    ranges = [slice(0, 1), slice(1, 2)] if engine.runs_one_by_one else [slice(0, 2)]
    found: list[list[Tensor]] = []
    for rows in ranges:
        block = make_block(weights, rows, seed_rows, engine.runs_one_by_one)
        masks = StepMasks(0, [0, 1], 0, sample.x.dtype, sample.x.device)
        out = engine.forward(block, sample.x, masks)
        gradients = torch.autograd.grad(out.square().sum(), list(block.parameters.values()), allow_unused=True)
        weights.collect(rows, dict(zip(block.parameters, gradients)))
        with torch.no_grad():
            found.append([out.detach(), engine.judge(block, sample.x)])
    return [
        *(torch.cat(parts) for parts in zip(*found)),
        *(f.gradients for f in weights.flats),
        *weights.buffers.values(),
    ]


def _is_close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    if a.shape != b.shape:
        return False
    size = float(b.detach().abs().nan_to_num(0.0, 0.0).amax()) if b.numel() else 0.0
    return bool(torch.allclose(a.double(), b.double(), rtol=tolerance, atol=tolerance * size, equal_nan=True))


@contextmanager
def _no_slow_fallback() -> Iterator[None]:
    """vmap refuses, with its name, an operation that it would run one trial after another."""
    functorch: Any = torch._C._functorch
    was = functorch._is_vmap_fallback_enabled()
    functorch._set_vmap_fallback_enabled(False)
    try:
        yield
    finally:
        functorch._set_vmap_fallback_enabled(was)

"""Which engine trains a model's population: chosen by a fixed rule and the reason told, so that a repeated study chooses the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from steepest.core.errors import ModelError, UsageError, did_you_mean
from steepest.kernels.stacked_program import NotStackable

from .block import Block, make_block
from .dropout import FixedDropout, Recorder, StepMasks
from .engine_loop import LoopEngine, has_images
from .engine_stacked import StackedEngine
from .engine_vmap import VmapEngine, missing_rule
from .sealed import sealed
from .weights import Weights

ENGINES = ("stacked", "vmap", "loop")
NAMES = ("auto", "probe", *ENGINES)


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
    """What an engine is tried on: a fresh model and a few rows, as two seeds' batches x (2, N, *)."""

    model: nn.Module
    x: Tensor


def check_engine_name(name: str) -> None:
    if name not in NAMES:
        raise UsageError(where="Population", seen=f"engine is {name!r}", needed=f"one of {', '.join(NAMES)} was needed", repair=did_you_mean(name, NAMES))


def choose(asked: str, sample: Sample) -> tuple[Engine, str]:
    """The asked engine, or for "auto" the one of the fixed rule; the next slower one, and why, where it cannot run the model.

    All layers have stacked forms: stacked, but on a CPU a convolution net loops (its stack leaves the cache, bench/population.py).
    Else vmap, or the loop for convolution nets on a CPU and for what vmap cannot batch.
    """
    loop = _loop(sample)
    if asked == "loop":
        return loop, "asked for"
    if loop.has_noise:
        return loop, "its forward draws random numbers other than dropout's: trials run one after another"
    is_slow_stacked = sample.x.device.type == "cpu" and has_images(sample.model)
    if asked == "auto" and is_slow_stacked:
        return loop, "convolutions on a CPU: trials run one after another, each in the cache"
    reasons: list[str] = []
    for name in ("stacked", "vmap") if asked != "vmap" else ("vmap",):
        engine, reason = _stacked(sample) if name == "stacked" else _vmap(sample)
        if engine is not None:
            return engine, "; ".join([*reasons, "asked for" if asked == name else f"{name} runs all of it"])
        reasons.append(f"not {name}: {reason}")
    return loop, "; ".join([*reasons, "trials run one after another"])


def _loop(sample: Sample) -> LoopEngine:
    has_dropout, has_noise = _randomness(sample)
    return LoopEngine(has_dropout, has_noise, channels_last=sample.x.device.type == "cpu" and has_images(sample.model))


def _randomness(sample: Sample) -> tuple[bool, bool]:
    """(has dropout, draws other random numbers), seen in one training pass of a copy."""
    recorder = Recorder()
    model = copy.deepcopy(sample.model).cpu().train()
    with sealed("look", 0), torch.no_grad():
        before = torch.default_generator.get_state()
        with FixedDropout(recorder):
            try:
                model(sample.x[0].cpu())
            except Exception as error:
                raise ModelError(
                    where=type(model).__name__, seen=f"a batch of {tuple(sample.x[0].shape)} in training mode raised {type(error).__name__}: {error}",
                    needed="the model must take a batch of the data", repair="Does it work by itself, after model.train()?",
                ) from error
        has_noise = not torch.equal(before, torch.default_generator.get_state())
    dropouts = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
    return bool(recorder.calls) or any(isinstance(m, dropouts) for m in model.modules()), has_noise


def _stacked(sample: Sample) -> tuple[Engine | None, str]:
    try:
        engine = StackedEngine(sample.model)
    except NotStackable as reason:
        return None, str(reason)
    return _tried(engine, sample)


def _vmap(sample: Sample) -> tuple[Engine | None, str]:
    with _no_slow_fallback():
        return _tried(VmapEngine(sample.model), sample)


def _tried(engine: Engine, sample: Sample) -> tuple[Engine | None, str]:
    """The engine if its outputs and buffers equal those of the plain modules, else the reason."""
    try:
        out, buffers = _two_trials(engine, sample)
    except Exception as error:
        return None, missing_rule(error)
    wanted, wanted_buffers = _two_trials(_loop(sample), sample)
    tolerance = 1e-7 if sample.x.dtype == torch.float64 else 1e-3
    pairs = [*zip(out, wanted), *((b, wanted_buffers[n]) for n, b in buffers.items())]
    if not all(_is_close(a, b, tolerance) for a, b in pairs):
        return None, "its outputs differ from those of the plain model"
    return engine, ""


def _two_trials(engine: Engine, sample: Sample) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Training and evaluation outputs of two equal trials on two seeds' batches, their gradients, and the buffers afterwards."""
    weights, seed_rows = Weights([sample.model], [0, 0]), torch.tensor([0, 1], device=sample.x.device)
    ranges = [slice(0, 1), slice(1, 2)] if engine.runs_one_by_one else [slice(0, 2)]
    found: list[list[Tensor]] = []
    for rows in ranges:
        block = make_block(weights, rows, seed_rows, engine.runs_one_by_one)
        masks = StepMasks(0, [0, 1], 0, sample.x.dtype, sample.x.device)
        out = engine.forward(block, sample.x, masks)
        gradients = torch.autograd.grad(out.square().mean(), list(block.parameters.values()), allow_unused=True)
        weights.collect(rows, dict(zip(block.parameters, gradients)))
        with torch.no_grad():
            found.append([out.detach(), engine.judge(block, sample.x)])
    outs = [torch.cat(parts) for parts in zip(*found)]
    scale = len(ranges)  # a mean over two trials halves each one's gradient
    return [*outs, *(f.gradients / scale for f in weights.flats)], weights.buffers


def _is_close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    if a.shape != b.shape:
        return False
    size = float(b.detach().abs().amax()) if b.numel() else 0.0
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

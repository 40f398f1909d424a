"""Live objects: a few training steps on copies give the facts that a script's run gives."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

from steepest.core.errors import UsageError

from ..facts import Facts
from ..finding import NotRun, Report
from ..judge import judge
from .place import Turn, loops
from .probes import undisturbed
from .recorder import Recorder

STEPS, STEPS_OF_LARGE, LARGE = 10, 4, 1_000_000
NEEDS_LOOP = (
    "Z01",
    "Z02",
    "Z03",
    "Z04",
    "Z05",
    "S01",
    "S02",
    "S03",
    "M01",
    "M02",
    "D03",
    "D05",
    "D06",
    "E01",
    "E02",
    "E03",
    "E04",
    "E05",
    "O03",
)


def check_objects(
    model: nn.Module,
    loss: Callable[..., Any],
    optimizer: Any,
    data: Any,
    ignore: tuple[str, ...] = (),
    n_steps: int | None = None,
) -> Report:
    """See steepest.check.check. n_steps: None for as many as any check wants to see."""
    if not isinstance(model, nn.Module):
        raise UsageError(
            where="check",
            seen=f"model is a {type(model).__name__}",
            needed="an nn.Module was needed",
            repair="Give the model itself.",
        )
    not_run = [NotRun("it concerns the loop, and objects have none: steepest check script.py --run", NEEDS_LOOP)]
    with undisturbed():
        batches, why = first_batches(data)
        if not batches:
            return Report([], [NotRun(why or "the data gave no batch"), *not_run])
        try:
            twins = copy.deepcopy((model, loss, optimizer), _shared(batches))
        except Exception as error:
            return Report(
                [], [NotRun(f"the objects cannot be copied ({type(error).__name__}: {str(error)[:100]})"), *not_run]
            )
        recorder = Recorder(budget=STEPS)
        told = _train(recorder, *twins, batches, n_steps or _steps_for(twins[0]))
        report = judge(Facts(None, recorder.run), [], "", (*ignore, *NEEDS_LOOP))
    return Report(report.findings, [*report.not_run, *([NotRun(told)] if told else []), *not_run])


def _train(recorder: Recorder, model: nn.Module, loss: Any, optimizer: Any, batches: list[Any], n_steps: int) -> str:
    """Some steps on the copies; returns what stopped them, if something did."""
    if optimizer is not None:
        recorder.optimizer_built(optimizer)
    try:
        with recorder.recording():
            for turn, batch in zip(range(n_steps), itertools.cycle(batches)):
                loops()[:] = [Turn(0, 0, turn, 0)]
                _step(model, loss, optimizer, batch)
        recorder.run.ended = "finished"
    except Exception as error:
        recorder.run.ended = "error"
        recorder.run.error = f"{type(error).__name__}: {str(error)[:200]}"
        return f"a training step on the copies failed ({recorder.run.error})"
    finally:
        loops().clear()
    return ""


def _step(model: nn.Module, loss: Any, optimizer: Any, batch: Any) -> None:
    x, y = parts(batch)
    if optimizer is not None:
        optimizer.zero_grad()
    else:
        model.zero_grad()
    several = isinstance(x, (tuple, list)) and all(isinstance(part, Tensor) for part in x)
    out = model(**x) if isinstance(x, dict) else model(*x) if several else model(x)
    value = loss(out, y)
    value = value if value.dim() == 0 else value.mean()
    value.backward()
    if optimizer is not None:
        optimizer.step(*([lambda: value.detach()] if type(optimizer).__name__ == "LBFGS" else []))


def parts(batch: Any) -> tuple[Any, Any]:
    """(input, target) of a batch: a pair, or a dictionary with the usual names; the input itself where there is nothing else."""
    if isinstance(batch, (list, tuple)):
        return (batch[0], batch[1]) if len(batch) > 1 else (batch[0], batch[0])
    if isinstance(batch, dict):
        named = [k for k in ("labels", "label", "target", "targets", "y") if k in batch]
        if named:
            rest = {k: v for k, v in batch.items() if k != named[0]}
            return (next(iter(rest.values())) if len(rest) == 1 else rest), batch[named[0]]
    return batch, batch


def first_batches(data: Any, n: int = 4) -> tuple[list[Any], str]:
    """(batches, why there are none). Loaders keep their place and their random numbers; what can be read once only is left alone."""
    if isinstance(data, DataLoader):
        return _of_loader(data, n)
    if isinstance(data, Dataset) and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        size = min(32, len(data))
        rows = [
            torch.utils.data.default_collate([data[i] for i in range(k, min(k + size, len(data)))])
            for k in range(0, min(len(data), n * size), size)
        ]
        return rows, ""
    if isinstance(data, tuple) and data and (isinstance(data[0], (Tensor, dict)) or _is_several_and_target(data)):
        return [data], ""
    if isinstance(data, list):
        return data[:n], ""
    if isinstance(data, Iterator):
        return [], "the data are an iterator that can be read once: give the loader, a list of batches, or one batch"
    if isinstance(data, Iterable):
        return list(itertools.islice(iter(data), n)), ""
    return (
        [],
        f"a {type(data).__name__} gives no batches: a DataLoader, a Dataset, a pair of tensors or a list of pairs was needed",
    )


def _is_several_and_target(data: tuple[Any, ...]) -> bool:
    """((a, b), target): one batch of several inputs, not two batches."""
    return len(data) == 2 and isinstance(data[0], tuple) and isinstance(data[1], (Tensor, dict))


def _of_loader(loader: DataLoader[Any], n: int) -> tuple[list[Any], str]:
    generators = [g for g in (loader.generator, getattr(loader.sampler, "generator", None)) if g is not None]
    states = [g.get_state() for g in generators]
    try:
        if isinstance(loader.dataset, IterableDataset):
            return [], "the data set can only be read in order: give a list of batches"
        if loader.batch_sampler is not None:
            index_lists = list(itertools.islice(iter(loader.batch_sampler), n))
            return [loader.collate_fn([loader.dataset[i] for i in rows]) for rows in index_lists], ""
        return [loader.collate_fn(loader.dataset[i]) for i in itertools.islice(iter(loader.sampler), n)], ""
    finally:
        for generator, state in zip(generators, states):
            generator.set_state(state)


def _shared(batches: list[Any]) -> dict[int, Any]:
    """Data are not copied with the objects that may hold them."""
    from .tracer import tensors_in

    return {id(t): t for batch in batches for t in tensors_in(batch)}


def _steps_for(model: nn.Module) -> int:
    """Fewer for large models: the check answers within seconds."""
    return STEPS if sum(p.numel() for p in model.parameters()) < LARGE else STEPS_OF_LARGE

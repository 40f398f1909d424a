"""What a checkpoint of a run (loop.Run) holds, and how a run is put back to it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from steepest.core.errors import UsageError
from steepest.results.lock import FolderLock

from .ranks import Ranks
from .shards import as_shards, load_weights, own, shard_of, shard_states, whole


@dataclass
class Best:
    """The weights of the best epoch, copied."""

    value: float
    epoch: int
    weights: dict[str, Tensor]


@contextmanager
def alone_in_folder(folder: Path | None, ranks: Ranks) -> Iterator[None]:
    """Two runs in one folder would take each other's checkpoints for their own."""
    if folder is None or not ranks.is_first:
        yield
        return
    lock = FolderLock(folder, "run")
    try:
        yield
    finally:
        lock.release()


def copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}


def state_of(run: Any) -> dict[str, Any]:
    """All that the rest of the run depends on."""
    setup, best, history = run.setup, run.best, run.history

    def kept(tree: Any) -> Any:
        return whole(tree, run.ranks.is_first) if run.weights.are_sharded else tree

    return {
        "config": setup.config,
        "model": kept(setup.model.state_dict()),
        "optimizer": kept(setup.optimizer.state_dict()),
        "rates": run.rates,
        "step": run.step,
        "epoch": run.epoch,
        "batch": run.batch,
        "sums": [run.total, run.share],
        "metrics": run.ranks.gathered(run.judge.saved()),
        "rows": history.rows,
        "best": None if best is None else {"value": best.value, "epoch": best.epoch, "weights": kept(best.weights)},
        "average": kept(run.weights.average),
        "scaler": None if run.scaler is None else run.scaler.state_dict(),
        "random": run.ranks.gathered(random_state()),
        "random_of_epoch": run.random_of_epoch,
        "stopped": history.stopped if history.stopped != "interrupted" else "",
        "seconds": run.seconds,
    }


def put_back(run: Any, state: dict[str, Any]) -> None:
    """The run as it was when `state_of` was asked."""
    setup = run.setup
    setup.follow(state["config"])
    _refuse_other_run(state["config"], setup.config, setup.folder)
    load_weights(setup.model, state["model"])
    setup.optimizer.load_state_dict(state["optimizer"])
    shard_states(setup.optimizer)
    run.rates = state["rates"]
    run.step, run.epoch, run.batch = state["step"], state["epoch"], state["batch"]
    run.total, run.share = state["sums"]
    run.judge.put_back(state["metrics"][run.ranks.rank], setup.device)
    run.history.rows = state["rows"]
    if state["best"] is not None:
        run.best = Best(**state["best"])
        run.best.weights = as_shards(run.best.weights, setup.model)
    for average, saved in zip(run.weights.average, state["average"]):
        own(average).copy_(own(shard_of(saved, average)))
    if run.scaler is not None:
        run.scaler.load_state_dict(state["scaler"])
    run.random_of_epoch = state["random_of_epoch"]
    set_random_state(state["random"][run.ranks.rank])
    run.seconds_before = state["seconds"]
    run.history.stopped, run.is_over = state["stopped"], bool(state["stopped"])


def random_state() -> dict[str, Any]:
    """All global generators, as plain values and tensors."""
    version, numbers, gauss = random.getstate()
    kind, keys, place, has_gauss, cached = numpy.random.get_state()
    return {
        "torch": torch.default_generator.get_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "python": [version, list(numbers), gauss],
        "numpy": [kind, [int(key) for key in keys], place, has_gauss, cached],
    }


def set_random_state(state: dict[str, Any]) -> None:
    torch.default_generator.set_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, *rest = state["numpy"]
    numpy.random.set_state((kind, numpy.array(keys, dtype=numpy.uint32), *rest))


def _refuse_other_run(saved: dict[str, Any], asked: dict[str, Any], folder: Path | None) -> None:
    changed = [name for name in asked if saved.get(name) != asked[name]]
    if changed:
        name = changed[0]
        raise UsageError(
            where=str(folder),
            seen=f"the run in it has {name} {saved.get(name)!r} and now it is {asked[name]!r}",
            needed="the same call was needed to go on",
            consequence="The end would be that of neither run.",
            repair="Take another folder (out=) for another run.",
        )

"""Conv nets in populations: time of a trial and step when trials are stacked, by their number, and when they are looped.

    OMP_NUM_THREADS=1 python bench/conv_engines.py [reps] [--only "28 x 28"]

The evidence behind two constants: how large a layer may be for stacking (compare/engines.py) and how large the layers of the
trials that pass together (compare/memory.py): the second is lifted here. Batches of 64, the engines in turn, least wall time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from population import CLASS_LOSSES, cases, machine
from torch import nn
from torch.nn import functional as F
from two_processes import Net

from steepest import data, metrics, models
from steepest.compare import Population, population
from steepest.compare.task import Task

COUNTS = (1, 2, 4, 8, 16, 32)
STEPS = 5


def images(channels: int, side: int) -> data.Data:
    small = data.load("digits")
    x = F.interpolate(small.x.reshape(-1, 1, 8, 8)[:800], size=(side, side), mode="bilinear")
    return data.Data.of(x.repeat(1, channels, 1, 1), small.y[:800], name=f"digits {side} x {side}")


def wide() -> nn.Module:
    """The net of many a first script: 1 -> 32 -> 64 channels of 3 x 3."""
    body = nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*body, nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn(shape: tuple[int, ...], width: int, norm: str | None) -> Callable[[], nn.Module]:
    return partial(models.cnn, shape, 10, width=width, norm=norm)


NETS: dict[str, tuple[tuple[int, int], Callable[[], nn.Module]]] = {
    "8 x 8, 16 channels": ((1, 8), cnn((1, 8, 8), 16, None)),
    "8 x 8, 16 channels, BatchNorm": ((1, 8), cnn((1, 8, 8), 16, "batch")),
    "16 x 16, 16 channels": ((1, 16), cnn((1, 16, 16), 16, None)),
    "28 x 28, 10 channels of 5 x 5": ((1, 28), Net),
    "28 x 28, 12 channels": ((1, 28), cnn((1, 28, 28), 12, None)),
    "28 x 28, 12 channels, BatchNorm": ((1, 28), cnn((1, 28, 28), 12, "batch")),
    "28 x 28, 16 channels": ((1, 28), cnn((1, 28, 28), 16, None)),
    "28 x 28, 16 channels, BatchNorm": ((1, 28), cnn((1, 28, 28), 16, "batch")),
    "32 x 32 of 3 colours, 12 channels": ((3, 32), cnn((3, 32, 32), 12, None)),
    "28 x 28, 32 and 64 channels": ((1, 28), wide),
}


def least(task: Task, n_trials: int, engine: str, reps: int) -> float:
    """Milliseconds of a trial and step."""
    trials, found = [case.trial for case in cases(32, CLASS_LOSSES)][:n_trials], []
    for _ in range(reps):
        asked = Population(task, trials, horizon=STEPS + 1, engine=engine)
        asked.train(1)
        begun = time.perf_counter()
        asked.train(STEPS)
        found.append((time.perf_counter() - begun) / STEPS / n_trials * 1e3)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("reps", nargs="?", type=int, default=3)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    torch.set_num_threads(1)
    population.CACHED_LAYERS_BYTES = 2**40
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    print(f"{'ms of a trial and step; trials stacked:':40}{''.join(f'{n:8}' for n in COUNTS)}    looped   chosen")
    for name, (shape, build) in NETS.items():
        if given.only not in name:
            continue
        task = Task(build, images(*shape), metrics.accuracy)
        stacked = [least(task, n, "stacked", given.reps) for n in COUNTS]
        looped = least(task, 4, "loop", given.reps)
        chosen = Population(task, [cases(32, CLASS_LOSSES)[0].trial], horizon=1).engine
        print(f"{name:40}{''.join(f'{ms:8.2f}' for ms in stacked)}{looped:10.2f}   {chosen}", flush=True)


if __name__ == "__main__":
    main()

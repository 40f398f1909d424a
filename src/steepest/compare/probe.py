"""The probe: each engine that can run the model trains a few steps on a copy, and the clock decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import torch

WARM_STEPS, TIMED_STEPS = 2, 6


class Trains(Protocol):
    """What the probe needs of a population."""

    @property
    def engine(self) -> str: ...

    def train(self, n_steps: int) -> None: ...


def fastest(make: Callable[[str], Trains], names: tuple[str, ...]) -> tuple[str, str]:
    """(the fastest engine, what was measured). make(name): a fresh population.

    One that fell back to another engine is left out, and so is one that does not fit in memory.
    """
    seconds: dict[str, float] = {}
    for name in names:
        try:
            population = make(name)
            if population.engine == name:
                seconds[name] = _seconds_per_step(population)
        except (MemoryError, torch.OutOfMemoryError):
            continue
    best = min(seconds, key=lambda name: seconds[name])
    shown = ", ".join(f"{name} {1e3 * s:.3g} ms" for name, s in seconds.items())
    return best, f"measured: {shown} per step of all trials"


def _seconds_per_step(population: Trains) -> float:
    """The best of single steps, which a busy machine disturbs least."""
    population.train(WARM_STEPS)
    taken = []
    for _ in range(TIMED_STEPS):
        start = time.perf_counter()
        population.train(1)
        taken.append(time.perf_counter() - start)
    return min(taken)

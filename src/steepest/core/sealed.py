"""Random numbers of code that is not ours (initialisation, noise) from a named stream; global generators stay put."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy
import torch

from steepest.core.streams import Key, seed_of


@contextmanager
def sealed(purpose: str, *keys: Key) -> Iterator[None]:
    """torch's CPU generator, numpy's and Python's start at the named stream inside, and are put back outside."""
    seed = seed_of(purpose, *keys)
    state, numbers = random.getstate(), numpy.random.get_state()
    with kept_generator():
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        numpy.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(state)
            numpy.random.set_state(numbers)


@contextmanager
def kept_generator() -> Iterator[None]:
    """torch's global CPU generator is afterwards where it was."""
    state = torch.default_generator.get_state()
    try:
        yield
    finally:
        torch.default_generator.set_state(state)

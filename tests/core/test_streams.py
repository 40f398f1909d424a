"""Named random streams never meet, and repeat the same bits everywhere."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import numpy
import pytest
import torch

from steepest.core.streams import generator, seed_of


def test_the_same_name_gives_the_same_numbers():
    a, b = (torch.rand(5, generator=generator("init", 3)) for _ in range(2))
    assert torch.equal(a, b)


def test_streams_of_different_names_do_not_meet():
    names = [(purpose, *keys) for purpose in ("init", "batches") for keys in itertools.product((0, 1, "0"), (2, "2"))]
    names += [("init",), ("init", 0), ("init", "0"), ("init0",), ("init", 0, 0), ("init", -1)]
    seeds = [seed_of(*name) for name in names]
    assert len(set(seeds)) == len(seeds)
    draws = torch.stack([torch.rand(4, generator=generator(*name)) for name in names])
    assert len(draws.unique(dim=0)) == len(names)


def test_seeds_fill_63_bits():
    seeds = [seed_of("init", k) for k in range(200)]
    assert all(0 <= seed < 2**63 for seed in seeds) and max(seeds) > 2**62
    assert torch.Generator().manual_seed(max(seeds)).initial_seed() == max(seeds)


def test_a_number_of_numpy_is_the_number():
    assert seed_of("init", numpy.int64(3)) == seed_of("init", 3)


def test_a_fraction_is_no_key():
    with pytest.raises(TypeError):
        seed_of("init", 3.0)


def test_another_process_finds_the_same_seed():
    """Python's own hash differs from process to process; a resumed study must not."""
    code = "from steepest.core.streams import seed_of; print(seed_of('batches', 7, 'a'))"
    env = {**os.environ, "PYTHONHASHSEED": "5", "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert int(found.stdout) == seed_of("batches", 7, "a")
    assert seed_of("batches", 7, "a") == 6714715194490990033


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    torch.rand(3, generator=generator("dropout", 1))
    assert torch.equal(torch.get_rng_state(), before)

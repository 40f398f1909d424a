"""The learning rate of an arm: near the top of what a parabola hides in noise, and never beyond what was tried."""

from __future__ import annotations

import math

import numpy as np
import pytest
from simulated import Truth, plan_of, play

from steepest.compare.tuning import best_rate

GRID = [1e-4, 2.15e-4, 4.64e-4, 1e-3, 2.15e-3, 4.64e-3, 1e-2]


def scores(rates, top: float, sd: float, rng) -> dict[float, list[float]]:
    """Three seeds that all rates share, and noise of their own; a decade beside the top costs 0.02."""
    seeds = rng.normal(0, 0.02, 3)
    return {lr: list(0.9 - 0.02 * math.log10(lr / top) ** 2 + seeds + rng.normal(0, sd, 3)) for lr in rates}


def test_it_finds_a_top_between_two_rates_of_the_grid():
    rng, kept = np.random.default_rng(0), [4.64e-4, 1e-3, 2.15e-3]
    for top in (7e-4, 1e-3, 1.5e-3):
        found = [best_rate([scores(r, top, 0.004, rng) for r in (GRID, kept)], kept) for _ in range(100)]
        assert np.mean(np.log10(found)) == pytest.approx(math.log10(top), abs=0.03)


def test_with_noise_it_is_nearer_the_top_than_the_best_of_the_tried():
    rng, off, plain = np.random.default_rng(1), [], []
    kept = [4.64e-4, 1e-3, 2.15e-3]
    for _ in range(400):
        first, second = scores(GRID, 1e-3, 0.01, rng), scores(kept, 1e-3, 0.01, rng)
        off.append(math.log10(best_rate([first, second], kept) / 1e-3) ** 2)
        plain.append(math.log10(max(kept, key=lambda lr: sum(second[lr])) / 1e-3) ** 2)
    assert np.mean(off) < 0.75 * np.mean(plain)


def test_a_cliff_beside_the_best_does_not_push_it_away():
    rng, kept = np.random.default_rng(2), [4.64e-4, 1e-3, 2.15e-3]
    for _ in range(50):
        first, second = scores(GRID, 1e-3, 0.001, rng), scores(kept, 1e-3, 0.001, rng)
        for lr in (4.64e-3, 1e-2):
            first[lr] = [0.1, 0.1, -math.inf] if lr > 5e-3 else [0.1, 0.12, 0.11]
        assert 6e-4 < best_rate([first, second], kept) < 1.6e-3


def test_scores_that_bend_upwards_leave_the_best_of_the_kept():
    kept = [4.64e-4, 1e-3, 2.15e-3]
    first = {lr: [0.9 + 0.01 * math.log10(lr / 1e-3) ** 2 + s for s in (0.0, 0.01, 0.02)] for lr in GRID}
    second = {4.64e-4: [0.9, 0.9, 0.91], 1e-3: [0.91, 0.9, 0.91], 2.15e-3: [0.9, 0.91, 0.9]}
    assert best_rate([first, second], kept) == 1e-3


def test_where_nothing_is_noisy_the_best_tried_is_taken():
    rng, kept = np.random.default_rng(0), [4.64e-4, 1e-3, 2.15e-3]
    assert best_rate([scores(GRID, 1.1e-3, 0, rng), scores(kept, 1.1e-3, 0, rng)], kept) == 1e-3


def test_it_stays_between_the_neighbours_of_the_best_that_was_kept():
    rng, kept = np.random.default_rng(3), [4.64e-4, 1e-3, 2.15e-3]
    for _ in range(200):
        second = scores(kept, 1e-3, 0.05, rng)
        assert kept[0] <= best_rate([scores(GRID, 1e-3, 0.05, rng), second], kept) <= kept[-1]


def test_equal_arms_are_rarely_claimed_different_because_chance_tuned_them_apart():
    """40 seeds tell 0.3 sd; choosing the best of three neighbours makes as much."""
    claims = sum(
        play(plan_of(["a", "b"]), Truth({"a": 0.9, "b": 0.9}, seed=s))[0].kind in ("better", "probably better")
        for s in range(80)
    )
    assert claims <= 4

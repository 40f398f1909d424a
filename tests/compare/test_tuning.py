"""The learning rate of an arm: near the top of what noise hides, and never beyond what was tried."""

from __future__ import annotations

import math

import numpy as np
import pytest
from simulated import Truth, plan_of, play

from steepest.compare.tuning import best_rate, rises_to

GRID = [1e-4, 2.15e-4, 4.64e-4, 1e-3, 2.15e-3, 4.64e-3, 1e-2]
FIVE = GRID[1:6]


def scores(rates, top: float, sd: float, rng) -> dict[float, list[float]]:
    """Three seeds that all rates share, and noise of their own; a decade beside the top costs 0.02."""
    seeds = rng.normal(0, 0.02, 3)
    return {lr: list(0.9 - 0.02 * math.log10(lr / top) ** 2 + seeds + rng.normal(0, sd, 3)) for lr in rates}


def test_it_finds_the_top_of_a_curve_in_the_middle_of_what_ran():
    rng = np.random.default_rng(0)
    found = [best_rate(scores(FIVE, 1e-3, 0.003, rng)) for _ in range(200)]
    assert np.mean(np.log10(found)) == pytest.approx(-3, abs=0.03)


def test_with_noise_it_is_nearer_the_top_than_the_best_of_the_tried():
    rng, off, plain = np.random.default_rng(1), [], []
    for _ in range(400):
        seen = scores(FIVE, 1.2e-3, 0.01, rng)
        off.append(math.log10(best_rate(seen) / 1.2e-3) ** 2)
        plain.append(math.log10(max(FIVE, key=lambda lr: sum(seen[lr])) / 1.2e-3) ** 2)
    assert np.mean(off) < 0.4 * np.mean(plain)


def test_where_scores_are_flat_it_is_in_the_middle():
    rng = np.random.default_rng(4)
    found = [best_rate({lr: list(0.9 + rng.normal(0, 0.01, 3)) for lr in FIVE}) for _ in range(200)]
    assert np.mean(np.log10(found)) == pytest.approx(-3, abs=0.03) and np.std(np.log10(found)) < 0.25


def test_a_cliff_beside_the_best_does_not_push_it_away():
    rng = np.random.default_rng(2)
    for _ in range(50):
        seen = scores(GRID, 1e-3, 0.001, rng)
        for lr in (4.64e-3, 1e-2):
            seen[lr] = [0.1, 0.1, -math.inf] if lr > 5e-3 else [0.1, 0.12, 0.11]
        assert 6e-4 < best_rate(seen) < 1.6e-3


def test_where_nothing_is_noisy_the_best_tried_is_taken():
    assert best_rate(scores(FIVE, 1.1e-3, 0, np.random.default_rng(0))) == 1e-3


def test_a_single_seed_says_nothing_of_the_noise_so_the_best_is_taken():
    assert best_rate({1e-3: [0.90], 3e-3: [0.91], 1e-2: [0.89]}) == 3e-3


def test_it_never_leaves_what_was_tried():
    rng = np.random.default_rng(3)
    for _ in range(200):
        assert FIVE[0] <= best_rate(scores(FIVE, 1e-3, 0.05, rng)) <= FIVE[-1]


def test_scores_that_are_flat_to_the_edge_do_not_rise_to_it():
    flat = {1e-3: [0.90, 0.95, 0.91], 3e-3: [0.93, 0.94, 0.94], 1e-2: [0.95, 0.93, 0.94]}
    steep = {1e-3: [0.70, 0.75, 0.71], 3e-3: [0.80, 0.85, 0.81], 1e-2: [0.90, 0.95, 0.92]}
    assert not rises_to(1e-2, flat) and rises_to(1e-2, steep)
    assert rises_to(1e-2, steep | {3e-3: [0.8, -math.inf, 0.8]})


def test_equal_arms_are_rarely_claimed_different_because_chance_tuned_them_apart():
    """40 seeds tell 0.3 sd; choosing the best of three neighbours makes as much."""
    claims = sum(
        play(plan_of(["a", "b"]), Truth({"a": 0.9, "b": 0.9}, seed=s))[0].kind in ("better", "probably better")
        for s in range(80)
    )
    assert claims <= 4

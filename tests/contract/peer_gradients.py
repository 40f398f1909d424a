"""The parameters and gradients on which other libraries were recorded (tools/record_peers.py), in closed form."""

from __future__ import annotations

import math

SHAPES = ((4, 3), (5,))
N_STEPS = 200
KEPT = (2, 20, 200)
"""The steps after which values were written down."""


def start(i: int) -> list[float]:
    """The numbers of parameter i at the start."""
    return [math.cos(1.3 * k + i) for k in range(math.prod(SHAPES[i]))]


def gradient(i: int, t: int) -> list[float]:
    """The gradient of parameter i at step t, counted from 1: of sizes from 0.01 to 10, now and then of another sign."""
    beat = 0.9 * t * (1 + 0.1 * i)
    return [10 ** (k % 4 - 2) * (math.sin(1.7 * k + beat) + 0.3) for k in range(math.prod(SHAPES[i]))]

"""The picture of a transform: a noisy descent with it and without it."""

from __future__ import annotations

import math
from typing import Any

import torch

from steepest.core.streams import generator
from steepest.core.transform import Transform, Use
from steepest.optim.optimizer import class_of
from steepest.optim.rules.sgd import sgd

from .record import Panel, Series

N_STEPS = 200
CURVATURE = (1.0, 20.0)
RATE = 0.008
"""Twenty times as much, as nesterov's momentum makes of it, is still stable across the valley."""
NOISE = 0.5
SPIKE = 40
LARGE = 20.0
"""Every so many steps a gradient is too large, as from a batch with an outlier."""


def of_transform(transform: Transform, asked: dict[str, Any]) -> list[Panel]:
    """SGD with momentum down a narrow valley in two columns, alone and with the transform, at the judged weights."""
    hyper = {name: h.default for name, h in transform.hyper.items()}
    words = Use(transform, {**hyper, **asked}).text
    lines = [Series("sgd", _heights("")), Series(f"sgd + {transform.name}", _heights(words))]
    steps = [float(i) for i in range(N_STEPS + 1)]
    says = f"a noisy valley, every {SPIKE}th gradient {LARGE:g} times too large: height"
    return [Panel(says, "step", steps, lines, True)]


def _heights(transforms: str) -> list[float]:
    """Height over the minimum at the weights at which a model would be judged, one unit away everywhere."""
    curvature = torch.tensor(CURVATURE, dtype=torch.float64).unsqueeze(1).expand(2, 2)
    at = torch.tensor([[1.0, -1.0], [1.0, -1.0]], dtype=torch.float64, requires_grad=True)
    optimizer = class_of(sgd)([at], lr=RATE, momentum=0.5, transforms=transforms or None)
    found: list[float] = []
    for step in range(N_STEPS + 1):
        optimizer.eval()
        found.append(float((curvature * at.detach() ** 2).sum() / 4))
        optimizer.train()
        noise = NOISE * torch.randn(2, 2, generator=generator("explain transform", step), dtype=torch.float64)
        factor = LARGE if step % SPIKE == SPIKE - 1 else 1.0

        def closure(noise: Any = noise, factor: float = factor) -> None:
            at.grad = factor * (curvature * at.detach() + noise)

        optimizer.step(closure)
    return [height if math.isfinite(height) else math.nan for height in found]

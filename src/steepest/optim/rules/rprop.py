"""Rprop: each parameter has a step of its own, longer while its gradient keeps its sign and shorter when it turns."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import ignores_gradient_scale, rests_at_zero_gradient, step_at_most_lr
from steepest.core.declare import rule
from steepest.core.domains import AboveOne, Log, Log1m, NonNegative, Positive, UnitInside


@rule(
    formula="d * sign(g), d the step so far x eta_plus or eta_minus",
    equals="torch.optim.Rprop",
    claims=[rests_at_zero_gradient, step_at_most_lr(1.0), ignores_gradient_scale],
    search={"lr": Log(1e-4, 1e-1), "eta_minus": Log1m(2e-1, 8e-1)},
    packs={"etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")},
    use="Small data, all of it in every step: it needs no learning rate, only a first step.",
    avoid="Mini-batches: signs turn from noise, and the steps shrink to nothing.",
    differs={"Riedmiller & Braun 1993": "a step that overshot is taken back there; not repeated here, as in torch"},
    source="Riedmiller & Braun 1993, doi:10.1109/ICNN.1993.298623; search ranges: ours",
)
def rprop(
    grad: Tensor,
    prev: Tensor,
    step_size: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-2,
    eta_minus: UnitInside = 0.5,
    eta_plus: AboveOne = 1.2,
    step_min: NonNegative = 1e-6,
    step_max: Positive = 50.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """lr: the first step, and nothing later. Where the sign turned, the parameter rests once."""
    turn = grad.sign() * prev.sign()
    same, turned = torch.clamp(turn, min=0), -torch.clamp(turn, max=0)
    factor = same * eta_plus + turned * eta_minus + (1 - turn * turn)
    step_size = torch.clamp((step_size + lr * (t < 2)) * factor, min=step_min, max=step_max)  # type: ignore[arg-type]
    prev = grad * (1 - turned)
    return step_size * prev.sign(), prev, step_size

"""SGD: a step down the gradient, or along its running sum (momentum), looking one step ahead if asked (Nesterov)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from steepest.core.claims import rests_at_zero_gradient
from steepest.core.declare import rule
from steepest.core.domains import Flag, Log, Log1m, NonNegative, UnitOpen


@rule(
    formula="lr * ((1 - nesterov) * b + nesterov * (g + momentum * b))",
    decay="coupled",
    equals="torch.optim.SGD",
    claims=[rests_at_zero_gradient],
    search={"lr": Log(3e-3, 3.0), "momentum": Log1m(5e-3, 3e-1)},
    use="Least memory; with momentum and a tuned learning rate the classic choice for convolutional networks.",
    source=(
        "Polyak 1964, doi:10.1016/0041-5553(64)90137-5; "
        "Sutskever et al. 2013, proceedings.mlr.press/v28/sutskever13.html; "
        "range of the learning rate: ours, around AlgoPerf's 2e-2 to 5, arXiv:2306.07179"
    ),
    class_name="SGD",
)
def sgd(
    grad: Tensor,
    momentum_buffer: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1e-3,
    momentum: UnitOpen = 0.0,
    nesterov: Flag = False,
) -> tuple[Tensor, Tensor]:
    """b sums up the gradients, each times momentum per step of age; nesterov steps along g + momentum * b, not b."""
    momentum_buffer = momentum * momentum_buffer + grad
    # One expression for both, since trials of one population may differ: nesterov is 0 or 1.
    along_buffer = 1 - nesterov + nesterov * momentum
    return lr * (nesterov * grad + along_buffer * momentum_buffer), momentum_buffer

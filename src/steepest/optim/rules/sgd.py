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
    only_with={"momentum_buffer": "momentum"},
    use="Least memory; with momentum and a tuned learning rate the classic choice for convolutional networks.",
    avoid="Transformers and language models, where its best learning rate is narrow and adaptive rules go further.",
    differs={
        "Sutskever et al. 2013": "the learning rate lies inside the momentum there: the same while it is constant",
        "optax.sgd": "no dampening; weight decay is a transformation of its own",
        "keras.optimizers.SGD": "the momentum holds the learning rate inside",
    },
    evidence=(
        "On language models of 150M to 1.2B parameters the only one of six rules that lags behind (Zhao et al. 2024, "
        "arXiv:2407.07972)."
    ),
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
    dampening: UnitOpen = 0.0,
    nesterov: Flag = False,
) -> tuple[Tensor, Tensor]:
    """b sums up the gradients, each times momentum per step of age; nesterov steps along g + momentum * b, not b.

    dampening: the share of each gradient after the first that is left out of the sum, which it only exists with.
    """
    taken = 1 - dampening * (t > 1) * (momentum != 0)
    momentum_buffer = momentum * momentum_buffer + taken * grad
    # One expression for both, since trials of one population may differ: nesterov is 0 or 1.
    return lr * (nesterov * grad + (1 - nesterov + nesterov * momentum) * momentum_buffer), momentum_buffer

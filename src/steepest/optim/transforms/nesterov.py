"""Nesterov momentum on any rule: steps are summed up, and each looks one step of that sum ahead."""

from __future__ import annotations

from torch import Tensor

from steepest.core.domains import Log1m, UnitOpen
from steepest.core.transform import transform


@transform(
    acts_on="step",
    formula="momentum * v + step",
    search={"momentum": Log1m(5e-3, 3e-1)},
    use="Rules without momentum of their own: Adagrad, RMSprop, plain SGD.",
    avoid="The rule has momentum: the two together are slow to turn.",
    source="Sutskever et al. 2013, section 2, icml.cc/2013/papers; in the form of torch.optim.SGD(nesterov=True)",
)
def nesterov(step: Tensor, velocity: Tensor, *, momentum: UnitOpen = 0.9) -> tuple[Tensor, Tensor]:
    """velocity = momentum * velocity + step, and the step becomes momentum * velocity + step."""
    velocity = momentum * velocity + step
    return momentum * velocity + step, velocity

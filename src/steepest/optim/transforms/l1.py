"""L1 penalty: every weight is pulled towards zero by the same force, which leaves many near zero."""

from __future__ import annotations

from torch import Tensor

from steepest.core.domains import Log, NonNegative
from steepest.core.transform import transform


@transform(
    acts_on="gradient",
    formula="g + strength * sign(w)",
    search={"strength": Log(1e-6, 1e-3)},
    use="Few weights are wanted that matter, to be read or pruned.",
    avoid="Rules that divide by the gradient's size scale the pull too: then weights are pulled unequally.",
    source="Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x",
)
def l1(grad: Tensor, param: Tensor, *, strength: NonNegative = 1e-5) -> Tensor:
    """The subgradient of strength * sum |w|, 0 at 0; weights come near zero, not onto it."""
    return grad + strength * param.sign()

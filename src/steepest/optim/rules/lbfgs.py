"""L-BFGS: Newton's method with the curvature seen in the last steps, for smooth losses of all the data at once."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from steepest.core.declare import rule
from steepest.core.domains import Count, Log, NonNegative
from steepest.core.errors import UsageError


@rule(
    formula="lr * H g, H the inverse curvature by the two-loop recursion over the last history_size steps",
    equals="torch.optim.LBFGS",
    search={"lr": Log(1e-1, 1.0)},
    solo_only="A step calls the loss as often as it needs, and each trial would need it at its own places.",
    use="Few parameters, all data in one batch, high accuracy: physics-informed networks, logistic regression.",
    avoid="Mini-batches: the change of the gradient then shows the batch, not the curvature.",
    differs={
        "scipy.optimize.minimize(method='L-BFGS-B')": "with a line search always, as line_search_fn='strong_wolfe' here"
    },
    evidence=(
        "On physics-informed networks Adam first and L-BFGS then is better than either alone (Rathore et al. "
        "2024, arXiv:2402.01868)."
    ),
    source="Liu & Nocedal 1989, doi:10.1007/BF01589116",
    class_name="LBFGS",
)
def lbfgs(
    grad: Tensor,
    *,
    t: Any,
    lr: NonNegative = 1.0,
    max_iter: Count = 20,
    max_eval: Count | None = None,
    tolerance_grad: NonNegative = 1e-7,
    tolerance_change: NonNegative = 1e-9,
    history_size: Count = 100,
    line_search_fn: Literal["strong_wolfe"] | None = None,
) -> tuple[Tensor]:
    """steepest.optim.LBFGS is torch's own class: its step needs the loss anew, which no rule of gradients sees."""
    raise UsageError(
        where="lbfgs",
        seen="it was given a gradient",
        needed="a closure that computes the loss anew was needed",
        repair="steepest.optim.LBFGS(model.parameters()).step(closure)",
    )

"""Cautious: entries of the step that go against the present gradient stay, and the others make up for them."""

from __future__ import annotations

from torch import Tensor

from steepest.core.transform import transform

from ..wholes import size, total


@transform(
    acts_on="step",
    formula="step * [step * g > 0] * d / (n + 1)",
    use="Any rule with momentum; it has nothing to tune and seldom harms.",
    avoid="Rules without momentum: their steps always go along the gradient, and nothing is masked.",
    differs={"timm, and the authors' later code": "divide by the mean of the mask, at least 0.001, not by (n + 1) / d"},
    source="Liang et al. 2024, arXiv:2411.16085",
    looks_at="tensor",
)
def cautious(step: Tensor, grad: Tensor) -> Tensor:
    """Of each tensor of d entries, the n whose step agrees in sign with the gradient move, d / (n + 1) times as far."""
    agrees = (step * grad > 0).to(step.dtype)
    return step * agrees * (size(step) / (total(agrees) + 1))

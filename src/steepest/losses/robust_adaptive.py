"""Robust: one family from squared error to losses that forget outliers altogether, steered by one number that may be learned."""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, convex, minimum_at_target, nonnegative, symmetric, zero_at_target
from steepest.core.declare import loss
from steepest.core.digits import number
from steepest.core.domains import Interval, Linear, Log, Positive
from steepest.core.targets import same_as_input

Shape = Annotated[float | Tensor, Interval(high=2.0)]


@loss(
    formula="Piecewise(((x - y)**2/(2*scale**2), Eq(alpha, 2)), (log(1 + (x - y)**2/(2*scale**2)), Eq(alpha, 0)),"
    " ((2 - alpha)/alpha*((1 + (x - y)**2/(scale**2*(2 - alpha)))**(alpha/2) - 1), True))",
    target=same_as_input,
    claims=[
        nonnegative,
        zero_at_target,
        minimum_at_target,
        symmetric,
        convex.at(alpha=1.0),
        bounded_gradient("1/scale").at(alpha=1.0),
        bounded_gradient("1/scale").at(alpha=-2.0),
    ],
    search={"alpha": Linear(-2, 2), "scale": Log(0.1, 10)},
    task="regression",
    use="Outliers of unknown weight: alpha 2 is mse/2, 1 Charbonnier, 0 Cauchy, -2 Geman-McClure, below -100 nearly Welsch.",
    avoid="alpha below 1 from a bad start: it is not convex there and far points hardly pull; begin at alpha 1. "
    "scale learned by this loss alone grows for ever: add the logarithm of the normaliser, as the paper does.",
    differs={
        "kornia charbonnier_loss, cauchy_loss, geman_mcclure_loss": "alpha 1, 0 and -2 at scale 1",
        "kornia welsch_loss": "the limit of alpha to minus infinity at scale 1",
    },
    source="Barron 2019, A general and adaptive robust loss function, arXiv:1701.03077",
)
def robust_adaptive(input: Tensor, target: Tensor, *, alpha: Shape = 1.0, scale: Positive = 1.0) -> Tensor:
    """Element-wise: (N, *), (N, *) -> (N, *). Without unit: the error counts in multiples of scale.

    A learned alpha falls for ever, as no density's normaliser holds it; choose it by a metric.
    """
    a = number(alpha, input)
    u = ((input - target) / scale).square()
    is_cauchy, is_square = a == 0, a == 2
    power = torch.where(is_cauchy | is_square, 1.0, a)
    width = 2 - power
    v = u / width
    # Near the target expm1 loses no digit; far from it pow rounds once, where the exponent of exp would round by its size.
    near = torch.expm1(power / 2 * v.clamp(max=1.0).log1p())
    base = 1 + v.clamp(min=1.0)
    nats = power / 2 * base.log()
    # pow's own slope rounds power/2 - 1, 9 units of a float32 for alpha -0.8; exp of 0 has the slope of the formula.
    far = (base ** (power / 2)).detach() * (nats - nats.detach()).exp() - 1
    general = width / power * torch.where(v < 1, near, far)
    return torch.where(is_square, u / 2, torch.where(is_cauchy, (u / 2).log1p(), general))

"""Forward correction: cross-entropy of the probability that a label came out as it did, given how labels go wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.claims import bounded_gradient, nonnegative, shift_invariant
from steepest.core.declare import loss
from steepest.core.domains import ClassTable
from steepest.core.each_class import expect_each
from steepest.core.logits import beside, surprise
from steepest.core.targets import Classes, classes


@loss(
    formula="log(Sum(exp(x[j]), (j, 0, C - 1))) - log(Sum(transition[j, y]*exp(x[j]), (j, 0, C - 1)))",
    target=classes,
    expects="logits",
    claims=[nonnegative, shift_invariant, bounded_gradient(1)],
    task="classification",
    use="Wrong labels whose confusions are known or estimated: the softmax then gives the probabilities of the true classes.",
    avoid="Confusions that are only guessed: the table is believed as it stands; then gce or symmetric_ce.",
    source="Patrini et al. 2017, Making deep neural networks robust to label noise: a loss correction approach, CVPR",
)
def forward_correction(input: Tensor, target: Classes, *, transition: ClassTable) -> Tensor:
    """Logits (N, C, *), classes (N, *) -> (N, *). Unit: nats. transition (C, C): row true class, column label; rows of sum 1."""
    table = beside("forward_correction", "transition", transition, input, n_axes=2)
    nats, top = surprise(input), input.argmax(1, keepdim=True)
    others = (-nats).exp().scatter(1, top, 0.0)

    def cost(index: Tensor) -> Tensor:
        chance = table[:, index].movedim(0, 1)
        of_top = chance.gather(1, top)
        # What the other classes change about the chance under the likeliest one: the slope of a sum of all would be 1 minus
        # nearly 1 where p of that class is near 1.
        safe = torch.where(of_top > 0, of_top, 1.0)
        near = -safe.log() - (others * (chance - of_top) / safe).sum(1, keepdim=True).log1p()
        far = -(chance.log() - nats).logsumexp(1, keepdim=True)
        return torch.where(of_top > 0, near, far).squeeze(1)

    return expect_each(target, input, cost)

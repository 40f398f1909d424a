"""A step between forward and backward changes what the graph has kept: autograd must know who moves the weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steepest import optim
from steepest.optim.stacked import StackedRule

KINDS = ("sgd", "adamw", "asgd", "lamb", "lars", "adafactor", "muon")
"""Compiled element by element, with scalar states, with norms, with a kernel of its own, and not at all."""


def optimizer_of(rule: str, params: list[Tensor]) -> torch.optim.Optimizer:
    return getattr(optim, optim[rule].class_name)(params, lr=1e-3)


def weights(*, with_gradient: bool = True) -> Tensor:
    param = torch.linspace(-1, 1, 4900).view(70, 70).requires_grad_()
    if with_gradient:
        param.grad = torch.ones_like(param)
    return param


@pytest.mark.parametrize("n_before", [0, 1, 2], ids="after {} steps".format)
@pytest.mark.parametrize("rule", KINDS)
def test_a_step_between_forward_and_backward_is_refused_as_torchs_own(rule, n_before):
    for make in (lambda params: optimizer_of(rule, params), lambda params: torch.optim.SGD(params)):
        param = weights()
        optimizer = make([param])
        for _ in range(n_before):
            optimizer.step()
        loss = param.square().sum()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


@pytest.mark.parametrize("rule", KINDS)
def test_a_parameter_that_a_step_leaves_alone_can_still_be_differentiated(rule):
    moved, resting = weights(), weights(with_gradient=False)
    optimizer = optimizer_of(rule, [moved, resting])
    for _ in range(3):
        loss = resting.square().sum()
        optimizer.step()
        loss.backward()
        torch.testing.assert_close(resting.grad, 2 * resting.detach())
        resting.grad = None


def test_a_step_of_a_population_between_forward_and_backward_is_refused():
    param = torch.linspace(-1, 1, 8000).view(4, 2000).requires_grad_()
    stepper, rates = StackedRule(optim.adamw), torch.full((4,), 1e-3, dtype=torch.float64)
    stepper.init(param.detach())
    loss = param.square().sum()
    stepper.step(param.detach(), torch.ones_like(param), rates)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_weights_made_in_inference_mode_have_no_version_and_move():
    with torch.inference_mode():
        param = torch.ones(70, 70)
        param.grad = torch.ones_like(param)
        optimizer = optim.SGD([param], lr=0.5)
        for _ in range(2):
            optimizer.step()
        assert (param == 0).all()

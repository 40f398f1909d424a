"""Losses without a formula against their declaration in plain Python: loops over plain numbers, written to be obviously right."""

from __future__ import annotations

import pytest
import torch
from loss_cases import LOSSES, batch, close, hyper_sets, parametrize, value_and_gradient

each_loss_with_a_plain_form = parametrize([item for item in LOSSES if item.slow])
each_that_holds_nothing = parametrize([item for item in LOSSES if item.slow and not item.holds])
each_that_holds_something = parametrize([item for item in LOSSES if item.holds])


@each_loss_with_a_plain_form
@pytest.mark.parametrize("n", [1, 2, 7])
def test_values_are_those_of_the_plain_form(loss, n):
    for seed, hyper in enumerate(hyper_sets(loss)):
        x, y = batch(loss, n, seed=seed)
        expected = loss.slow(x.tolist(), None if y is None else y.tolist(), **hyper)
        close(loss(x, y, reduction="none", **hyper), torch.tensor(expected, dtype=torch.float64), rtol=1e-11)


@each_that_holds_nothing
def test_the_gradient_is_the_slope_of_the_value(loss):
    for seed, hyper in enumerate(hyper_sets(loss)):
        x, y = batch(loss, 4, seed=seed)
        assert torch.autograd.gradcheck(lambda x, y=y, hyper=hyper: loss(x, y, reduction="none", **hyper), (x.requires_grad_(),))


@each_that_holds_something
def test_the_gradient_is_the_slope_of_the_plain_form_while_what_is_held_stays(loss):
    for seed, hyper in enumerate(hyper_sets(loss)):
        x, y = batch(loss, 4, seed=seed)
        _, gradient = value_and_gradient(loss, x, y, reduction="sum", **hyper)
        step = 1e-6  # central difference: error about step**2, rounding about 1e-16 / step
        slopes = []
        for k in range(x.numel()):
            nudge = torch.zeros_like(x).flatten().index_fill(0, torch.tensor([k]), step).reshape(x.shape)
            up, down = (sum(loss.slow((x + d).tolist(), y.tolist(), still=x.tolist(), **hyper)) for d in (nudge, -nudge))
            slopes.append((up - down) / (2 * step))
        expected = torch.tensor(slopes, dtype=torch.float64).reshape(x.shape)
        torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-7 * gradient.abs().max().item())


@each_that_holds_something
def test_what_is_held_has_a_slope_that_would_be_seen(loss):
    x, y = batch(loss, 6)
    _, gradient = value_and_gradient(loss, x, y, reduction="sum")
    step = 1e-6 * gradient.sign()
    rise = (loss(x + step, y, reduction="sum") - loss(x - step, y, reduction="sum")) / 2e-6
    assert abs(rise - gradient.abs().sum()) > 1e-3 * gradient.abs().sum()

"""Losses without a formula against their declaration in plain Python: loops over plain numbers, written to be obviously right."""

from __future__ import annotations

import pytest
import torch
from loss_cases import LOSSES, batch, close, hyper_sets, parametrize

each_loss_with_a_plain_form = parametrize([item for item in LOSSES if item.slow])


@each_loss_with_a_plain_form
@pytest.mark.parametrize("n", [1, 2, 7])
def test_values_are_those_of_the_plain_form(loss, n):
    for seed, hyper in enumerate(hyper_sets(loss)):
        x, y = batch(loss, n, seed=seed)
        expected = loss.slow(x.tolist(), None if y is None else y.tolist(), **hyper)
        close(loss(x, y, reduction="none", **hyper), torch.tensor(expected, dtype=torch.float64), rtol=1e-11)


@each_loss_with_a_plain_form
def test_the_gradient_is_the_slope_of_the_value(loss):
    for seed, hyper in enumerate(hyper_sets(loss)):
        x, y = batch(loss, 4, seed=seed)
        assert torch.autograd.gradcheck(lambda x, y=y, hyper=hyper: loss(x, y, reduction="none", **hyper), (x.requires_grad_(),))

"""Sums that travel beside the backward pass. Over several processes: tests/fit/test_ranks.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from steepest.fit import sums
from steepest.fit.sums import Sums, sum_behind


@pytest.fixture(autouse=True)
def one_of_one():
    """A group of one process: what travels comes back as it is."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


X = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))


def gradients(model):
    return [None if p.grad is None else p.grad.clone() for p in model.parameters()]


def test_buckets_leave_while_the_backward_pass_goes_on_and_the_last_layers_first(monkeypatch):
    monkeypatch.setattr(sums, "BUCKET_NUMBERS", 20)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    travelling = Sums([*model.parameters()])
    travelling.begin()
    seen = []
    model[0].weight.register_hook(lambda _: seen.append(len(travelling._sent)))
    model(X).sum().backward()
    expected = gradients(model)
    assert seen[0] >= 1 and not travelling.are_late
    travelling.send_rest()
    travelling.finish(are_kept=True)
    assert all(torch.equal(a, b) for a, b in zip(gradients(model), expected))


def test_a_parameter_without_part_in_the_loss_keeps_no_gradient():
    model = nn.ModuleList([nn.Linear(4, 2), nn.Linear(4, 2)])
    travelling = Sums([*model.parameters()])
    travelling.begin()
    model[0](X).sum().backward()
    travelling.send_rest()
    travelling.finish(are_kept=True)
    assert [g is None for g in gradients(model)] == [False, False, True, True]


def test_a_gradient_that_changes_after_it_has_travelled_is_noticed():
    """A layer that a reentrant checkpoint passes through twice gets its gradient in two parts."""
    layer = nn.Linear(4, 4)
    x = X.clone().requires_grad_()

    def passed():
        layer.zero_grad()
        once = checkpoint(layer, x, use_reentrant=True)
        checkpoint(layer, once, use_reentrant=True).sum().backward()

    passed()
    expected = gradients(layer)
    travelling = Sums([*layer.parameters()])
    travelling.begin()
    passed()
    assert travelling.are_late
    travelling.send_rest()
    travelling.finish(are_kept=False)
    sum_behind([*layer.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(gradients(layer), expected))


def test_hooks_are_gone_afterwards():
    layer = nn.Linear(4, 4)
    travelling = Sums([*layer.parameters()])
    travelling.close()
    travelling.begin()
    layer(X).sum().backward()
    assert travelling._sent == []

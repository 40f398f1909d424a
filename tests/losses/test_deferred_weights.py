"""Deferred re-weighting: nothing is weighed until the given epoch, everything from then on, and the count is saved."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from steepest import losses
from steepest.core.errors import UsageError
from steepest.losses import weightings

COUNTS = torch.tensor([40, 8, 2])


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    return torch.randn(50, 3, generator=g), torch.repeat_interleave(torch.arange(3), COUNTS)


def test_weights_count_from_the_given_epoch_on(batch):
    x, y = batch
    weight = weightings.effective_number(COUNTS)
    deferred = weightings.Deferred(losses.CrossEntropy(), weight, after=2)
    found = []
    for _ in range(4):
        found.append(deferred(x, y))
        deferred.advance()
    plain, weighed = F.cross_entropy(x, y), F.cross_entropy(x, y, weight)
    torch.testing.assert_close(torch.stack(found), torch.stack([plain, plain, weighed, weighed]))
    assert (plain - weighed).abs() > 1e-3


def test_the_count_and_the_weights_are_saved_and_a_copy_counts_by_itself(batch):
    x, y = batch
    deferred = weightings.Deferred(losses.Focal(gamma=1.0), weightings.square_root(COUNTS), after=1)
    twin = copy.deepcopy(deferred)
    deferred.advance()
    assert twin(x, y) != deferred(x, y)
    twin.load_state_dict(deferred.state_dict())
    assert twin(x, y) == deferred(x, y)


def test_parts_add_up_with_the_weights_in_force(batch):
    x, y = batch
    deferred = weightings.Deferred(losses.CrossEntropy(), weightings.inverse_frequency(COUNTS), after=0)
    (a, b), (c, d) = (deferred.parts(x[rows], y[rows]) for rows in (slice(0, 45), slice(45, 50)))
    torch.testing.assert_close((a + c) / (b + d), deferred(x, y))


def test_a_loss_with_class_weights_of_its_own_is_refused():
    with pytest.raises(UsageError, match="without class weights"):
        weightings.Deferred(losses.CrossEntropy(class_weight=torch.ones(3)), torch.ones(3), after=1)
    with pytest.raises(UsageError, match="CrossEntropy"):
        weightings.Deferred(torch.nn.CrossEntropyLoss(), torch.ones(3), after=1)

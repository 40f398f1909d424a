"""Symptoms that people met with losses elsewhere, and what happens here."""

from __future__ import annotations

import pytest
import torch
from torch import tensor

from steepest import losses
from steepest.core.errors import LabelError, ShapeError


def gradient_of(loss, x, y, **options):
    x = x.clone().requires_grad_()
    loss(x, y, **options).backward()
    return x.grad


def test_a_batch_of_nothing_but_padding_does_not_poison_the_weights():
    """pytorch#70348: NaN; the chunked linear cross-entropy of torch 2.13 gives NaN gradients as well."""
    x, y = torch.randn(4, 3), torch.full((4,), -100)
    assert torch.nn.functional.cross_entropy(x, y).isnan()
    assert losses.cross_entropy(x, y, ignore_index=-100) == 0
    assert not gradient_of(losses.cross_entropy, x, y, ignore_index=-100).any()


def test_a_column_of_predictions_against_a_row_of_targets_is_not_an_average_of_all_pairs():
    """torch warns, and returns 4.0 for weights of 1 where 1.0 is true."""
    with pytest.raises(ShapeError, match=r"target.reshape\(4, 1\)"):
        losses.mse(torch.zeros(4, 1), torch.ones(4), weight=torch.ones(4, 1))


def test_a_confident_right_answer_still_has_a_loss_and_a_gradient():
    """torch's log_softmax rounds p to 1, and its cross-entropy is 0."""
    x, y = tensor([[20.0, 0.0]]), tensor([0])
    assert torch.nn.functional.cross_entropy(x, y) == 0
    assert losses.cross_entropy(x, y).item() == pytest.approx(2.0611536e-9, rel=1e-6)
    assert gradient_of(losses.cross_entropy, x, y)[0].tolist() == pytest.approx([-2.0611536e-9, 2.0611536e-9], rel=1e-6)


def test_focal_loss_with_a_small_gamma_has_a_gradient_where_a_prediction_is_certain():
    """(1 - p)**0.5 has an infinite slope at p = 1; times the 0 of the rest of the chain that is NaN."""
    x, y = tensor([[1e4, 0.0, 0.0], [60.0, 0.0, 0.0]]), tensor([0, 0])
    for gamma in (0.0, 0.1, 0.5, 1.0):
        assert gradient_of(losses.focal, x, y, gamma=gamma).isfinite().all()


def test_a_forbidden_action_of_minus_infinity_costs_the_others_nothing():
    x, y = tensor([[1.0, -torch.inf, 2.0]]), tensor([0])
    torch.testing.assert_close(losses.cross_entropy(x, y), losses.cross_entropy(x[:, [0, 2]], y))
    assert gradient_of(losses.cross_entropy, x, y).isfinite().all()


def test_labels_of_plus_and_minus_one_are_not_taken_for_probabilities():
    """torch's binary cross-entropy accepts a target of 2 and returns a negative loss."""
    with pytest.raises(LabelError, match=r"turn ±1 labels into 0/1 with \(t \+ 1\) / 2"):
        losses.bce_with_logits(torch.randn(3), tensor([1.0, -1.0, 1.0]))


def test_a_batch_of_one_ignores_its_class_weight_in_a_mean_and_not_in_a_count():
    """pytorch#14289, #50528: the quotient cancels the weight; normalize="count" does not."""
    x, y, w = torch.randn(1, 3), tensor([2]), tensor([1.0, 1.0, 7.0])
    torch.testing.assert_close(losses.cross_entropy(x, y, class_weight=w), losses.cross_entropy(x, y))
    torch.testing.assert_close(losses.cross_entropy(x, y, class_weight=w, normalize="count"), 7 * losses.cross_entropy(x, y))


def test_the_curvature_of_huber_at_the_target_is_one():
    """Written with |x - y|, its second derivative is 0 exactly at the target."""
    at = tensor(0.0)
    assert torch.func.hessian(lambda x: losses.huber(x.reshape(1), torch.zeros(1)))(at) == 1


def test_a_single_number_has_a_loss():
    assert losses.mse(tensor(3.0), tensor(1.0), weight=tensor(2.0)) == 4
    assert losses.mse(tensor(3.0), tensor(1.0), reduction="batchmean") == 4


def test_a_weight_of_positives_for_each_column_is_that_of_torch():
    x, y, w = torch.randn(5, 3), torch.rand(5, 3).round(), tensor([1.0, 3.0, 0.5])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(x, y, pos_weight=w)
    torch.testing.assert_close(losses.bce_with_logits(x, y, pos_weight=w), expected)
    torch.testing.assert_close(losses.BCEWithLogits(pos_weight=w)(x, y), expected)

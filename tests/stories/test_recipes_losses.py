"""The examples of widely read articles, typed as they stand there, with steepest.nn where they say torch.nn.

What the numbers mean under our own contract is in test_losses_in_articles.py.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import tensor

from steepest import losses, nn
from steepest.core.errors import ShapeError

# -- A. losses and optimizers in PyTorch -------------------------------------------------------------------------------


def test_the_mean_squared_error_said_to_be_0_375_is_0_25():
    assert nn.MSELoss()(tensor([1.5, 2.0, 3.5]), tensor([2.0, 1.5, 4.0])) == 0.25
    assert nn.MSELoss(reduction="none")(tensor([1.5, 2.0, 3.5]), tensor([2.0, 1.5, 4.0])).tolist() == [0.25] * 3


def test_the_cross_entropy_said_to_be_0_71356_is_0_81602():
    rows, labels = tensor([[0.8, 0.2, 0.0], [0.2, 0.5, 0.3]], dtype=torch.float64), tensor([0, 1])
    assert nn.CrossEntropyLoss()(rows, labels).item() == pytest.approx(0.8160240543, abs=1e-9)
    assert nn.CrossEntropyLoss(reduction="none")(rows, labels).tolist() == pytest.approx([0.692217, 0.939831], abs=1e-6)


def test_linear_regression_and_classification_learn_in_three_steps_of_their_own():
    """loss, backward, step: after backward the parameters are as before, after step they are not."""
    torch.manual_seed(0)
    x = torch.randn(100, 10)
    for net, y, loss in (
        (nn.Linear(10, 1), torch.randn(100, 1), nn.MSELoss()),
        (nn.Linear(10, 3), torch.randint(3, (100,)), nn.CrossEntropyLoss()),
    ):
        before, optimizer = net.weight.detach().clone(), torch.optim.SGD(net.parameters(), lr=0.1)
        first = loss(net(x), y)
        first.backward()
        assert torch.equal(net.weight, before) and net.weight.grad.any()
        optimizer.step()
        assert not torch.equal(net.weight, before) and loss(net(x), y) < first


def test_a_loss_that_is_a_plain_number_has_nothing_to_learn_from():
    """The article steps SGD and Adam on torch.tensor(0.25).backward()."""
    with pytest.raises(RuntimeError, match="does not require grad"):
        tensor(0.25).backward()


def test_every_loss_of_torch_is_the_weighted_loss_that_the_article_names():
    assert not hasattr(torch.nn, "WeightedLoss")
    x, y = torch.rand(3, 5), torch.rand(3, 5)
    for name in ("L1Loss", "BCELoss", "KLDivLoss"):
        each = getattr(nn, name)(reduction="none")(x, y)
        weighted = getattr(nn, name)(reduction="sum")(x, y, weight=tensor([1.0, 0.5, 2.0]))
        torch.testing.assert_close(weighted, (each.sum(1) * tensor([1.0, 0.5, 2.0])).sum())


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_squared_error_of_ten_outputs_against_labels_fails_or_broadcasts_and_the_square_loss_works():
    outputs, labels = torch.randn(64, 10), torch.randint(10, (64,))
    with pytest.raises(RuntimeError, match="must match"):
        nn.MSELoss()(outputs, labels.float())  # as torch
    for n in (10, 1):  # torch averages all pairs; with a weight or a mask we refuse, and losses.mse always does
        nn.MSELoss()(outputs[:n], labels[:n].float())
        for refused in (
            lambda n=n: nn.MSELoss()(outputs[:n], labels[:n].float(), weight=torch.ones(n)),
            lambda n=n: losses.mse(outputs[:n], labels[:n].float()),
        ):
            with pytest.raises(ShapeError):
                refused()
    one_hot = nn.functional.one_hot(labels, 10).float()
    torch.testing.assert_close(losses.square(outputs, labels), nn.MSELoss()(outputs, one_hot))


def test_the_mean_of_batch_means_is_biased_by_the_last_small_batch_and_parts_are_not():
    """The article prints running_loss / len(loader)."""
    torch.manual_seed(0)
    x, y = torch.randn(70, 10, dtype=torch.float64), torch.randint(10, (70,))
    whole = nn.CrossEntropyLoss()(x, y)
    batches = [(x[i : i + 64], y[i : i + 64]) for i in (0, 64)]
    running = sum(nn.CrossEntropyLoss()(*b) for b in batches) / len(batches)
    assert abs(running - whole) > 1e-2
    numerators, denominators = zip(*(losses.cross_entropy.parts(*b) for b in batches))
    torch.testing.assert_close(sum(numerators) / sum(denominators), whole)


# -- B. weighting a loss -----------------------------------------------------------------------------------------------


def test_a_squared_error_with_a_weight_is_an_error_in_torch_and_works_here():
    x, y, w = torch.randn(3, 5), torch.randn(3, 5), tensor([1.0, 0.5, 2.0])
    with pytest.raises(TypeError, match="weight"):
        torch.nn.MSELoss(weight=w)
    with pytest.raises(ValueError, match="same size"):
        nn.functional.mse_loss(x, y, weight=w)  # torch's function
    squares, per_column = (x - y) ** 2, torch.rand(5)
    by_hand = (w[:, None] * squares).sum() / (5 * w.sum())
    for loss in (nn.MSELoss(weight=[1, 0.5, 2]), nn.MSELoss(weight=w), nn.MSELoss(weight=w[:, None].expand(3, 5))):
        torch.testing.assert_close(loss(x, y), by_hand)
    torch.testing.assert_close(nn.MSELoss()(x, y, weight=w), by_hand)
    torch.testing.assert_close(
        nn.MSELoss(weight=per_column[None, :])(x, y), (per_column * squares).sum() / (3 * per_column.sum())
    )


def test_a_weight_of_the_wrong_or_of_two_readings_is_refused_with_its_repair():
    with pytest.raises(ShapeError, match=r"For one weight per column: weight.expand\(3, 5\)"):
        nn.MSELoss(weight=torch.ones(5))(torch.ones(3, 5), torch.ones(3, 5))
    with pytest.raises(ShapeError, match=r"Per row: weight\[:, None\]. Per column: weight\[None, :\]"):
        nn.MSELoss(weight=torch.ones(5))(torch.ones(5, 5), torch.ones(5, 5))
    with pytest.raises(ShapeError, match=r"target.reshape\(4, 1\)"):  # F.mse_loss returns 4.0, where 1.0 is true
        nn.MSELoss(weight=torch.ones(4, 1))(torch.zeros(4, 1), torch.ones(4))


def test_class_weights_are_in_every_loss_of_classes():
    x, y, w = torch.randn(6, 3).log_softmax(1), torch.randint(3, (6,)), tensor([1.0, 2.0, 5.0])
    for name in ("cross_entropy", "nll", "focal", "square"):
        assert losses[name](x, y, class_weight=w).isfinite()
    for name in ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss"):
        assert getattr(nn, name)(weight=w)(x, y, weight=torch.ones(6)).isfinite()


# -- C. torch.nn losses and backpropagation ----------------------------------------------------------------------------


def test_absolute_and_squared_errors_of_one_two_three_and_one_two_five():
    x, y = tensor([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3), tensor([1.0, 2.0, 5.0]).reshape(1, 1, 1, 3)
    assert nn.L1Loss()(x, y).item() == pytest.approx(0.666667, abs=1e-6) and nn.L1Loss(reduction="sum")(x, y) == 2
    assert nn.MSELoss()(x, y).item() == pytest.approx(1.333333, abs=1e-6) and nn.MSELoss(reduction="sum")(x, y) == 4


def test_three_logits_cost_1_101943_and_nine_tenths_everywhere_cost_less():
    loss = nn.CrossEntropyLoss()
    assert loss(tensor([[0.1, 0.2, 0.3]]), tensor([1])).item() == pytest.approx(1.101943, abs=1e-6)
    assert loss(tensor([[0.9, 0.9, 0.9]]), tensor([1])).item() == pytest.approx(math.log(3), abs=1e-6)
    torch.testing.assert_close(
        loss(tensor([[0.1, 0.2, 0.3]]) + 7, tensor([1])), loss(tensor([[0.1, 0.2, 0.3]]), tensor([1]))
    )


def test_a_weighted_cross_entropy_divides_by_the_weights_of_its_labels_and_not_by_the_batch():
    x, y, w = torch.randn(4, 3), tensor([0, 2, 2, 1]), tensor([1.0, 2.0, 5.0])
    each = nn.CrossEntropyLoss(reduction="none")(x, y)
    torch.testing.assert_close(nn.CrossEntropyLoss(weight=w)(x, y), (w[y] * each).sum() / w[y].sum())
    samples = tensor([1.0, 3.0, 0.0, 2.0])
    weighted = nn.CrossEntropyLoss(weight=w)(x, y, weight=samples)
    torch.testing.assert_close(weighted, (samples * w[y] * each).sum() / (samples * w[y]).sum())


def test_without_backward_no_parameter_has_a_gradient():
    net = nn.Linear(2, 1)
    loss = nn.MSELoss()(net(torch.ones(3, 2)), torch.zeros(3, 1))
    assert all(p.grad is None for p in net.parameters())
    loss.backward()
    assert all(p.grad is not None for p in net.parameters())


# -- D. common losses and where to use them ----------------------------------------------------------------------------


def test_the_absolute_error_is_the_one_that_an_outlier_does_not_steer():
    """The article recommends it "where one is sensitive to outliers"."""
    prices = tensor([1.0, 2.0, 3.0, 4.0, 1000.0])
    pull = {}
    for name in ("MSELoss", "L1Loss"):
        guess = torch.full((5,), 3.0, requires_grad=True)
        getattr(nn, name)()(guess, prices).backward()
        pull[name] = guess.grad.abs()
    assert pull["L1Loss"][4] == pull["L1Loss"][0] and pull["MSELoss"][4] > 400 * pull["MSELoss"][0]


def test_a_softmax_before_the_cross_entropy_leaves_a_loss_that_cannot_reach_zero():
    """The article puts cross-entropy "after a softmax output layer": the best possible row then costs log(1 + 2/e)."""
    sure, label = tensor([[100.0, 0.0, 0.0]]), tensor([0])
    assert nn.CrossEntropyLoss()(sure, label) < 1e-6
    twice = nn.CrossEntropyLoss()(sure.softmax(1), label).item()
    assert twice == pytest.approx(math.log(1 + 2 / math.e), abs=1e-6)


def test_the_binary_formula_is_not_the_one_for_several_classes_and_focal_is_a_factor_on_the_latter():
    x, y = torch.randn(20, 4, dtype=torch.float64), torch.randint(4, (20,))
    one_hot = nn.functional.one_hot(y, 4).double()
    assert abs(nn.BCEWithLogitsLoss()(x, one_hot) - nn.CrossEntropyLoss()(x, y)) > 1e-2
    p = x.softmax(1).gather(1, y[:, None])[:, 0]
    each = nn.CrossEntropyLoss(reduction="none")(x, y)
    torch.testing.assert_close(losses.focal(x, y, gamma=2.0, reduction="none"), (1 - p) ** 2 * each)

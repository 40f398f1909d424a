"""What widely read articles say about losses, with the numbers that are true."""

from __future__ import annotations

import math

import pytest
import torch
from torch import tensor

from steepest import losses
from steepest.core.errors import ShapeError
from steepest.core.item import REQUIRED


def test_the_squared_error_of_the_first_example_is_a_quarter():
    """An article prints 0.375."""
    x, y = tensor([1.5, 2.0, 3.5]), tensor([2.0, 1.5, 4.0])
    assert losses.mse(x, y) == 0.25
    assert losses.mse(x, y, reduction="none").tolist() == [0.25, 0.25, 0.25]


def test_the_cross_entropy_of_the_first_example_is_not_what_the_article_prints():
    """It prints 0.71356; its rows are probabilities, which a loss of logits takes as logits unless told otherwise."""
    rows, labels = tensor([[0.8, 0.2, 0.0], [0.2, 0.5, 0.3]], dtype=torch.float64), tensor([0, 1])
    assert losses.cross_entropy(rows, labels).item() == pytest.approx(0.8160240543, abs=1e-9)
    assert losses.cross_entropy(rows, labels, reduction="none").tolist() == pytest.approx([0.692217, 0.939831], abs=1e-6)
    told = losses.cross_entropy(rows, labels, from_probs=True).item()
    assert told == pytest.approx((-math.log(0.8) - math.log(0.5)) / 2, abs=1e-12)


def test_backward_computes_gradients_and_changes_no_parameter():
    """An article says that backward updates the parameters."""
    model = torch.nn.Linear(10, 1)
    before = [p.detach().clone() for p in model.parameters()]
    losses.mse(model(torch.randn(100, 10)), torch.randn(100, 1)).backward()
    assert all(torch.equal(p, b) for p, b in zip(model.parameters(), before))
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert not any(torch.equal(p, b) for p, b in zip(model.parameters(), before))


def test_weights_are_an_option_of_every_loss():
    """An article names a WeightedLoss class, which torch does not have."""
    for loss in losses:  # tests/contract tries all kinds of targets; the article's are these
        needs_more = any(h.default is REQUIRED for h in loss.hyper.values())
        if needs_more or loss.target.name not in ("classes", "same", "binary", "distribution"):
            continue
        x = torch.randn(3, 5).log_softmax(1)
        x = x.exp() if loss.expects == "probs" else x
        y = tensor([0, 1, 2]) if loss.target.name == "classes" else torch.rand(3, 5).softmax(1)
        assert loss(x, y, weight=tensor([1.0, 0.5, 2.0])).isfinite(), loss.name


def test_a_weight_per_row_of_a_squared_error():
    """An article calls nn.MSELoss(weight=[1, 0.5, 2]) on outputs of shape (3, 5), a TypeError in every torch."""
    x, y, w = torch.randn(3, 5), torch.randn(3, 5), tensor([1.0, 0.5, 2.0])
    by_hand = sum(w[i] * ((x[i] - y[i]) ** 2).mean() for i in range(3)) / w.sum()
    torch.testing.assert_close(losses.mse(x, y, weight=w), by_hand)
    torch.testing.assert_close(losses.mse(x, y, weight=w[:, None].expand(3, 5)), by_hand)
    with pytest.raises(ShapeError, match=r"For one weight per column: weight.expand\(3, 5\)"):
        losses.mse(x, y, weight=torch.ones(5))


def test_squared_error_against_class_labels_is_refused_and_its_square_loss_works():
    """An article trains a CNN of (64, 10) outputs with MSELoss on (64,) labels: its first batch is a RuntimeError, and with a
    batch of 10 torch broadcasts and trains on nonsense."""
    for n in (64, 10, 1):
        outputs, labels = torch.randn(n, 10), torch.randint(10, (n,))
        with pytest.raises(ShapeError):
            losses.mse(outputs, labels.float())
        one_hot = torch.nn.functional.one_hot(labels, 10).float()
        torch.testing.assert_close(losses.square(outputs, labels), ((outputs - one_hot) ** 2).mean())


def test_absolute_and_squared_differences_of_the_third_example():
    x, y = tensor([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3), tensor([1.0, 2.0, 5.0]).reshape(1, 1, 1, 3)
    assert losses.l1(x, y).item() == pytest.approx(2 / 3) and losses.l1(x, y, reduction="sum") == 2
    assert losses.mse(x, y).item() == pytest.approx(4 / 3) and losses.mse(x, y, reduction="sum") == 4


def test_scores_of_nine_tenths_for_every_class_are_a_guess_and_no_certainty():
    """An article reads the logits [0.1, 0.2, 0.3] as probabilities; 0.9 everywhere is then surer, and its loss lower."""
    assert losses.cross_entropy(tensor([[0.1, 0.2, 0.3]]), tensor([1])).item() == pytest.approx(1.101943, abs=1e-6)
    assert losses.cross_entropy(tensor([[0.9, 0.9, 0.9]]), tensor([1])).item() == pytest.approx(math.log(3), abs=1e-6)


def test_weighted_cross_entropy_divides_by_the_weights_of_its_labels():
    """An article says that it divides by the size of the batch."""
    x, y, w = torch.randn(4, 3), tensor([0, 2, 2, 1]), tensor([1.0, 2.0, 5.0])
    each = losses.cross_entropy(x, y, reduction="none")
    torch.testing.assert_close(losses.cross_entropy(x, y, class_weight=w), (w[y] * each).sum() / w[y].sum())


def test_an_outlier_moves_the_squared_error_and_not_the_absolute_one():
    """An article recommends MAE "where one is sensitive to outliers"; it is the other way round."""
    prices = tensor([1.0, 2.0, 3.0, 4.0, 1000.0], dtype=torch.float64)
    guesses = torch.linspace(0, 1000, 10_001, dtype=torch.float64)

    def best(loss):
        return guesses[torch.stack([loss(g.expand(5), prices) for g in guesses]).argmin()].item()

    assert best(losses.mse) == pytest.approx(202.0) and best(losses.l1) == pytest.approx(3.0)


def test_focal_loss_is_cross_entropy_times_a_power_of_the_error():
    x, y = torch.randn(50, 4, dtype=torch.float64), torch.randint(4, (50,))
    p = x.softmax(1).gather(1, y[:, None])[:, 0]
    torch.testing.assert_close(losses.focal(x, y, gamma=2.0, reduction="none"), (1 - p) ** 2 * -p.log())

"""What losses of several labels, of pairs, of margins, of counts and of boxes are by other people's code, or become of one another."""

from __future__ import annotations

import math

import pytest
import torch
from loss_cases import batch, close, one_hot, value_and_gradient
from scipy import ndimage, stats
from torch.nn import functional as F

from steepest import losses
from steepest.core.errors import LabelError, ShapeError

WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25, 1.5], dtype=torch.float64)


def labelled(loss):
    """Logits and rows of hard labels; one row bears none, one all."""
    x, y = batch(loss)
    y = (y > 0.5).double()
    y[1], y[4] = 0.0, 1.0
    return x, y


def same(loss, theirs, x, y, **hyper):
    """Value and gradient of the mean."""
    for mine, other in zip(value_and_gradient(loss, x, y, **hyper), value_and_gradient(theirs, x, y)):
        close(mine, other)


# -- several labels ----------------------------------------------------------------------------------------------------------


def test_multilabel_soft_margin_is_that_of_torch_and_the_mean_of_binary_cross_entropy():
    x, y = labelled(losses.multilabel_soft_margin)
    same(losses.multilabel_soft_margin, F.multilabel_soft_margin_loss, x, y)
    close(losses.multilabel_soft_margin(x, y, weight=WEIGHTS), losses.bce_with_logits(x, y, weight=WEIGHTS))


def test_multilabel_margin_is_that_of_torch():
    x, y = labelled(losses.multilabel_margin)
    places = torch.full_like(y, -1, dtype=torch.long)
    for row, labels in enumerate(y):
        found = labels.nonzero().flatten()
        places[row, : len(found)] = found
    same(losses.multilabel_margin, lambda x, y: F.multilabel_margin_loss(x, places), x, y)


def test_zlpr_of_one_label_is_cross_entropy_beside_a_class_of_score_zero_both_ways():
    x, _ = batch(losses.zlpr)
    first = torch.zeros(6, dtype=torch.long)
    y = one_hot(first + 2)
    absent = torch.cat([torch.zeros(6, 1), x[:, [0, 1, 3]]], 1)
    present = torch.stack([torch.zeros(6), -x[:, 2]], 1)
    close(losses.zlpr(x, y), F.cross_entropy(absent, first) + F.cross_entropy(present, first))


def test_the_best_logits_of_soft_labels_under_zlpr_tell_the_labels():
    y = torch.tensor([[0.1, 0.5, 0.9, 0.3]], dtype=torch.float64)
    _, slope = value_and_gradient(losses.zlpr, torch.logit(y) / 2, y)  # sigmoid(2 x) = y
    assert slope.abs().max() < 1e-15


def test_a_single_label_per_row_is_no_error_and_a_row_without_its_axis_is():
    x, y = labelled(losses.zlpr)
    close(losses.zlpr(x[:, :1], y[:, :1]), losses.bce_with_logits(x[:, 0], y[:, 0]))
    with pytest.raises(ShapeError, match="unsqueeze"):
        losses.zlpr(x[0], y[0])
    with pytest.raises(LabelError):
        losses.zlpr(x, 2 * y)


# -- margins and pairs -------------------------------------------------------------------------------------------------------


def test_the_soft_margin_of_torch_is_binary_cross_entropy_of_labels_zero_and_one():
    x, y = batch(losses.bce_with_logits)
    same(losses.bce_with_logits, lambda x, y: F.soft_margin_loss(x, 2 * y - 1), x, y.round())


def test_hinges_of_two_classes_meet():
    x, y = batch(losses.hinge)
    y = y.round()
    two = torch.stack([torch.zeros_like(x), x], 1)
    close(losses.hinge(x, y, margin=0.7), losses.categorical_hinge(two, y.long(), margin=0.7))
    close(losses.hinge(x, y, margin=0.7), 2 * losses.multi_margin(two, y.long(), margin=0.7))
    close(losses.hinge(x, y, p=2), ((1 - x * (2 * y - 1)).clamp(min=0) ** 2).mean())


def test_categorical_hinge_is_the_worst_of_multi_margins_gaps():
    x, y = batch(losses.categorical_hinge)
    rivals = [losses.categorical_hinge(x[k : k + 1, [y[k], c]], torch.tensor([0])) for k in range(6) for c in range(4) if c != y[k]]
    close(losses.categorical_hinge(x, y), torch.stack(rivals).reshape(6, 3).amax(1).mean())


@pytest.mark.parametrize("margin", [0.5, 1.0])
def test_hinge_embedding_is_that_of_torch(margin):
    x, y = batch(losses.hinge_embedding)
    theirs = torch.nn.HingeEmbeddingLoss(margin=margin)
    same(losses.hinge_embedding, lambda x, y: theirs(x, 2 * y - 1), x, y.round(), margin=margin)


@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_cosine_embedding_is_that_of_torch(margin):
    a, b = (torch.randn(6, 5, generator=torch.Generator().manual_seed(k), dtype=torch.float64) for k in (0, 1))
    y = torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0, 1.0], dtype=torch.float64)

    def ours(a, y):
        return losses.cosine_embedding(torch.cosine_similarity(a, b), y, margin=margin)

    same(ours, lambda a, y: F.cosine_embedding_loss(a, b, 2 * y - 1, margin=margin), a, y)


def test_the_cosine_distance_is_one_minus_the_cosine():
    x, y = batch(losses.cosine_distance)
    same(losses.cosine_distance, lambda x, y: (1 - F.cosine_similarity(x, y)).mean(), x, y)
    x, y = batch(losses.cosine_distance, 6, (2, 3))
    close(losses.cosine_distance(x, y), (1 - F.cosine_similarity(x, y)).mean())
    close(losses.cosine_distance(x.movedim(1, -1), y.movedim(1, -1), dim=-1), losses.cosine_distance(x, y))


def test_a_cosine_distance_keeps_its_digits_where_directions_agree():
    y = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    across = torch.tensor([[-4.0, 3.0]], dtype=torch.float64)
    for angle in (1e-3, 1e-7, 1e-12):
        found = losses.cosine_distance(y + math.tan(angle) * across, y).item()
        assert found == pytest.approx(2 * math.sin(angle / 2) ** 2, rel=2e-4 if angle < 1e-10 else 1e-8)


def test_circle_pulls_no_pair_that_has_passed_its_aim():
    """Of one label at cosine 1 with margin 0.4 the pull is 0.4; of two labels below -0.4 there is none."""
    x = torch.tensor([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    each = losses.circle(x, torch.tensor([0, 0, 1]), margin=0.4, scale=5.0, reduction="none")
    close(each[0], torch.tensor(math.log1p(math.exp(5 * 0.4 * -0.4)), dtype=torch.float64))


# -- probabilities -----------------------------------------------------------------------------------------------------------


def test_bce_of_a_sigmoid_is_bce_with_logits():
    x, y = batch(losses.bce_with_logits)
    close(losses.bce(x.sigmoid(), y, weight=WEIGHTS), losses.bce_with_logits(x, y, weight=WEIGHTS))


def test_bce_of_what_is_sure_is_that_of_torch():
    p, y = torch.tensor([0.0, 0.0, 1.0, 1.0]).double(), torch.tensor([0.0, 1.0, 0.0, 1.0]).double()
    close(losses.bce(p, y, reduction="none"), F.binary_cross_entropy(p, y, reduction="none"))


def test_what_is_no_probability_is_named_with_its_place():
    with pytest.raises(LabelError, match=r"input\[1\] is -2"):
        losses.bce(torch.tensor([0.5, -2.0]), torch.ones(2))
    assert losses.bce(torch.tensor([0.5, -2.0]), torch.ones(2), mask=torch.tensor([True, False])).isfinite()


# -- wrong labels and rare classes -------------------------------------------------------------------------------------------


def test_bi_tempered_holds_cross_entropy_and_its_bounded_form():
    x, y = batch(losses.bi_tempered)
    same(lambda x, y: losses.bi_tempered(x, y, t1=1.0, t2=1.0), F.cross_entropy, x, y)
    p = x.softmax(1)
    true = p.gather(1, y.unsqueeze(1))[:, 0]
    # t1 = 0, t2 = 1: minus p of the true class and half the sum of squares, half the Brier score.
    close(losses.bi_tempered(x, y, t1=0.0, t2=1.0), ((1 - true) - (1 - p.square().sum(1)) / 2).mean())
    close(losses.bi_tempered(x, y, t1=0.0, t2=1.0), (p - one_hot(y)).square().sum(1).mean() / 2)


def test_the_tempered_softmax_of_temperature_two_is_known_in_closed_form():
    """Two classes, t2 = 2: 1 / (1 + s) + 1 / (1 + s + d) = 1 has the root s = (sqrt(d^2 + 4) - d) / 2."""
    d = torch.tensor([0.0, 0.3, 5.0, 1e3, 1e4], dtype=torch.float64)
    level = 2 / ((d * d + 4).sqrt() + d)
    p = 1 / (1 + level)
    x = torch.stack([d, torch.zeros_like(d)], 1)
    # t1 = 1: the cost is -log p of the true class, as the rest of the divergence is 0.
    first = losses.bi_tempered(x, torch.zeros(5, dtype=torch.long), t1=1.0, t2=2.0, reduction="none")
    close(first, -p.log(), rtol=1e-11)


@pytest.mark.parametrize("n_classes", [2, 3, 30])
def test_tempered_odds_sum_to_one_whatever_the_size_of_the_logits(n_classes):
    draw = torch.Generator().manual_seed(0)
    for size in (0.1, 1.0, 30.0, 1e4):
        x = size * torch.randn(200, n_classes, generator=draw, dtype=torch.float64)
        for t2 in (1.0, 1.0 + 1e-9, 1.2, 2.0, 5.0):
            costs = [losses.bi_tempered(x, torch.full((200,), c), t1=1.0, t2=t2, reduction="none") for c in range(n_classes)]
            odds = (-torch.stack(costs)).exp()  # with t1 = 1 and odds of sum 1, a cost is minus the logarithm of one
            torch.testing.assert_close(odds.sum(0), torch.ones(200, dtype=torch.float64), rtol=1e-13, atol=0)


def test_a_far_wrong_label_costs_no_more_than_the_bound():
    x = torch.tensor([[1e4, 0.0, 0.0]], dtype=torch.float64)
    found = losses.bi_tempered(x, torch.tensor([1]), t1=0.8, t2=1.0)
    close(found, torch.tensor(1 / (1 - 0.8) - 1 / (2 - 0.8) + 1 / (2 - 0.8), dtype=torch.float64))


def test_seesaw_without_its_factors_is_cross_entropy_and_with_even_counts_only_the_compensation_stays():
    x, y = batch(losses.seesaw)
    counts = [400.0, 40.0, 8.0, 2.0]
    same(lambda x, y: losses.seesaw(x, y, class_counts=counts, p=0.0, q=0.0), F.cross_entropy, x, y)
    even = losses.seesaw(x, y, class_counts=[5.0] * 4, q=0.0)
    close(even, F.cross_entropy(x, y))
    assert losses.seesaw(x, y, class_counts=[5.0] * 4, q=2.0) > even > losses.seesaw(x, y, class_counts=counts, q=0.0)


def test_seesaw_is_cross_entropy_of_shifted_logits():
    """As its authors' code has it: the logarithm of the factor is added to each wrong class's logit, and held still."""
    x, y = batch(losses.seesaw)
    counts = torch.tensor([400.0, 40.0, 8.0, 2.0], dtype=torch.float64)

    def theirs(x, y):
        odds = x.detach().softmax(1)
        own = odds.gather(1, y.unsqueeze(1))
        factor = (counts / counts[y].unsqueeze(1)).clamp(max=1) ** 0.8 * (odds / own).clamp(min=1) ** 2
        return F.cross_entropy(x + factor.log() * (1 - one_hot(y)), y)

    same(lambda x, y: losses.seesaw(x, y, class_counts=counts), theirs, x, y)


def test_sparsemax_of_two_classes_is_a_parabola_between_nothing_and_a_line():
    lead = torch.tensor([-1e4, -3.0, -1.0, -0.2, 0.0, 0.7, 1.0, 5.0], dtype=torch.float64)
    x = torch.stack([lead + 2, torch.full_like(lead, 2.0)], 1)
    exact = torch.where(lead >= 1, 0.0, torch.where(lead <= -1, -lead, (1 - lead) ** 2 / 4))
    close(losses.sparsemax(x, torch.zeros(8, dtype=torch.long), reduction="none"), exact)


def test_the_slope_of_sparsemax_is_what_the_shares_lack():
    """The shares are the nearest point to the scores whose entries are shares: none nearer is found among many."""
    x, y = batch(losses.sparsemax)
    x = x / 3
    _, slope = value_and_gradient(losses.sparsemax, x, y, reduction="sum")
    shares = slope + one_hot(y)
    assert (shares >= -1e-15).all() and (shares == 0).any()
    close(shares.sum(1), torch.ones(6, dtype=torch.float64))
    others = torch.rand(6, 10_000, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) ** 4
    others = others / others.sum(2, keepdim=True)
    assert ((x.unsqueeze(1) - others).square().sum(2) >= (x - shares).square().sum(1, keepdim=True)).all()


# -- predicted distributions and counts --------------------------------------------------------------------------------------


def test_beta_nll_is_a_weighted_likelihood():
    x, y = batch(losses.beta_nll)
    same(lambda x, y: losses.beta_nll(x, y, beta=0.0), losses.gaussian_nll, x, y)
    spread = x[:, 1].exp()
    ours = value_and_gradient(losses.beta_nll, x, y, beta=0.7)
    theirs = value_and_gradient(losses.gaussian_nll, x, y, weight=spread**0.7, normalize="count")
    for mine, other in zip(ours, theirs):
        close(mine, other)
    _, slope = value_and_gradient(losses.beta_nll, x, y, beta=1.0)
    _, of_squares = value_and_gradient(losses.mse, x[:, 0].contiguous(), y)
    close(slope[:, 0], of_squares / 2)


@pytest.mark.parametrize("dispersion", [1e-3, 0.5, 1.0, 3.0, 40.0])
def test_the_negative_binomial_is_that_of_scipy(dispersion):
    y = torch.tensor([0.0, 1.0, 2.0, 7.0, 29.0, 30.0, 31.0, 1e3], dtype=torch.float64)  # at 1e5 scipy is off by 1e-11
    x = (y + 0.3).log() + 0.2
    mean = x.exp().numpy()
    exact = -stats.nbinom.logpmf(y.numpy(), 1 / dispersion, 1 / (1 + dispersion * mean))
    found = losses.negative_binomial_nll(x, y, dispersion=dispersion, reduction="none")
    torch.testing.assert_close(found, torch.tensor(exact), rtol=1e-11, atol=1e-11)


def test_the_negative_binomial_of_no_dispersion_is_poisson():
    y = torch.tensor([0.0, 1.0, 2.0, 7.0, 50.0], dtype=torch.float64)
    x = torch.tensor([0.3, -1.0, 1.2, 2.0, 4.0], dtype=torch.float64)
    found = losses.negative_binomial_nll(x, y, dispersion=1e-9, reduction="none")
    exact = -torch.distributions.Poisson(x.exp()).log_prob(y)
    torch.testing.assert_close(found, exact, rtol=1e-6, atol=1e-6)


def test_a_dispersion_may_be_predicted_for_each_count():
    x, y = batch(losses.negative_binomial_nll)
    each = torch.tensor([0.1, 0.5, 1.0, 2.0, 3.0, 9.0], dtype=torch.float64)
    together = losses.negative_binomial_nll(x, y, dispersion=each, reduction="none")
    alone = [losses.negative_binomial_nll(x[k], y[k], dispersion=a) for k, a in enumerate(each.tolist())]
    close(together, torch.stack(alone))


# -- boxes and regions -------------------------------------------------------------------------------------------------------


def test_ciou_costs_what_can_be_counted_by_hand():
    a = torch.tensor([[0.0, 0.0, 2.0, 1.0]], dtype=torch.float64)
    b = torch.tensor([[0.0, 0.0, 1.0, 2.0]], dtype=torch.float64)
    shape = (2 / math.pi * (math.atan(2) - math.atan(1 / 2))) ** 2
    lost = 1 - 1 / 3
    exact = lost + (0.5**2 + 0.5**2) / 8 + shape**2 / (lost + shape)
    close(losses.ciou(a, b), torch.tensor(exact, dtype=torch.float64))
    close(losses.ciou(a, a + 0.5), losses.diou(a, a + 0.5))  # the same shape elsewhere


def test_a_box_without_size_has_a_finite_slope():
    x = torch.tensor([[1.0, 1.0, 1.0, 1.0], [3.0, 3.0, 2.0, 2.0], [0.0, 0.0, 1.0, 0.0]], dtype=torch.float64)
    y = torch.tensor([[0.0, 0.0, 2.0, 1.0]], dtype=torch.float64).expand(3, 4)
    value, slope = value_and_gradient(losses.ciou, x, y)
    assert value.isfinite() and slope.isfinite().all()


def test_the_distances_of_boundary_are_those_of_scipy():
    y = torch.randint(3, (2, 21, 19), generator=torch.Generator().manual_seed(0))
    y[1, :, :] = torch.where(y[1] == 2, 0, y[1])  # no pixel of class 2 there
    x = torch.randn(2, 3, 21, 19, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = torch.zeros(2, 3, dtype=torch.float64)
    for n in range(2):
        for c in range(3):
            inside = (y[n] == c).numpy()
            if inside.any():
                outer, inner = ndimage.distance_transform_edt(~inside), ndimage.distance_transform_edt(inside)
                level = torch.tensor(outer * ~inside - (inner - 1) * inside)
                expected[n, c] = (x[n].softmax(0)[c] * level).mean()
    close(losses.boundary(x, y, reduction="none"), expected)
    one_by_one = torch.vmap(lambda x, y: losses.boundary(x.unsqueeze(0), y.unsqueeze(0), reduction="none")[0])
    close(one_by_one(x, y), expected)  # the form of accelerators, which looks along the axes


def test_a_masked_pixel_is_on_neither_side_of_a_border():
    x, y = torch.zeros(1, 2, 5).double(), torch.tensor([[0, 0, 1, 0, 0]])
    mask = torch.tensor([[True, True, False, True, True]])
    assert losses.boundary(x, y, mask=mask) == 0  # class 1 is nowhere, class 0 everywhere
    far = losses.boundary(x, torch.tensor([[0, 0, 0, 1, 1]]), mask=mask, reduction="none")
    # Class 1: 3 and 2 pixels outside, 0 and -1 inside, each predicted by half, over 4 pixels.
    close(far[0, 1], torch.tensor(0.5 * (3 + 2 + (1 - 2) + (1 - 3)) / 4, dtype=torch.float64))

"""What losses of distributions, regions, embeddings and lists are by other people's code, and what one becomes of another."""

from __future__ import annotations

import math

import pytest
import torch
from loss_cases import batch, close, value_and_gradient
from torch.nn import functional as F

from steepest import losses
from steepest.core.errors import LabelError

# -- predicted distributions -----------------------------------------------------------------------------------------------


def predicted(loss):
    x, y = batch(loss)
    return x, y, x[:, 0], x[:, 1].exp()


def test_the_gaussian_likelihood_is_that_of_torch():
    x, y, mean, variance = predicted(losses.gaussian_nll)
    close(losses.gaussian_nll(x, y), F.gaussian_nll_loss(mean, y, variance, eps=1e-20))


def test_likelihoods_are_those_of_torchs_distributions():
    x, y, location, scale = predicted(losses.laplace_nll)
    close(losses.laplace_nll(x, y, reduction="none"), -torch.distributions.Laplace(location, scale).log_prob(y))
    x, y, location, scale = predicted(losses.student_t_nll)
    for df in (1.0, 4.0, 50.0):
        expected = -torch.distributions.StudentT(df, location, scale).log_prob(y)
        close(losses.student_t_nll(x, y, df=df, reduction="none"), expected)


def test_the_crps_is_the_area_between_the_two_distribution_functions():
    x, y, mean, scale = predicted(losses.crps_gaussian)
    steps = torch.linspace(-1, 1, 400_001, dtype=torch.float64)
    for k in range(len(y)):
        z = mean[k] + steps * 12 * (scale[k] + (y[k] - mean[k]).abs())
        gap = torch.special.ndtr((z - mean[k]) / scale[k]) - (z >= y[k]).double()
        area = torch.trapezoid(gap.square(), z)
        torch.testing.assert_close(losses.crps_gaussian(x, y, reduction="none")[k], area, rtol=1e-3, atol=1e-4)


def test_beta_nll_is_a_weight_by_the_variance():
    x, y, _, variance = predicted(losses.gaussian_nll)
    weight = variance.detach() ** 0.5
    leaf = x.clone().requires_grad_()
    spread = leaf[:, 1].exp()
    theirs = (spread.detach() ** 0.5 * (spread.log() + (y - leaf[:, 0]) ** 2 / spread) / 2).mean()
    (slope,) = torch.autograd.grad(theirs, leaf)
    value, gradient = value_and_gradient(losses.gaussian_nll, x, y, weight=weight, normalize="count")
    close(value, theirs.detach())
    close(gradient, slope)


# -- regions ---------------------------------------------------------------------------------------------------------------


def test_tversky_holds_dice_and_jaccard():
    x, y = batch(losses.dice, 6, (4, 3))
    close(losses.tversky(x, y, alpha=0.5, beta=0.5, smooth=0.5), losses.dice(x, y, smooth=1.0))
    close(losses.tversky(x, y, alpha=1.0, beta=1.0), losses.jaccard(x, y))
    close(losses.focal_tversky(x, y, gamma=1.0), losses.tversky(x, y))


@pytest.mark.parametrize("loss", [losses.dice, losses.jaccard, losses.lovasz_softmax], ids=lambda item: item.name)
def test_a_weight_of_pixels_counts_them_several_times(loss):
    x, y = batch(loss, 3, (4,))
    times = torch.tensor([2, 1, 0, 3])
    twice = torch.arange(4).repeat_interleave(times)
    weight = times.double().expand(3, 4)
    close(loss(x, y, weight=weight), loss(x[:, :, twice], y[:, twice]))


def test_one_logit_is_two_classes():
    x, y = batch(losses.jaccard, 5, (7,))
    y = y % 2
    two = torch.stack([torch.zeros_like(x[:, 0]), x[:, 0]], 1)
    close(losses.jaccard(x[:, :1], y, reduction="none")[:, 0], losses.jaccard(two, y, reduction="none")[:, 1])


def test_the_lovasz_extension_of_sure_predictions_is_the_jaccard_loss():
    y = torch.tensor([[1, 1, 1, 0, 0]])
    score = torch.tensor([[[40.0, 40.0, -40.0, 40.0, -40.0]]], dtype=torch.float64)
    close(losses.lovasz_softmax(score, y), torch.tensor(1 - 2 / 4, dtype=torch.float64))  # 2 hit, 1 missed, 1 extra


# -- embeddings, lists, classes --------------------------------------------------------------------------------------------


def test_info_nce_is_cross_entropy_both_ways():
    x, _ = batch(losses.info_nce)
    a, b = F.normalize(x[:, 0], dim=1), F.normalize(x[:, 1], dim=1)
    places = torch.arange(len(x))
    both = F.cross_entropy(a @ b.T / 0.07, places) + F.cross_entropy(b @ a.T / 0.07, places)
    close(losses.info_nce(x), both / 2)


def test_a_hard_triplet_is_that_of_torch():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 0.0]], dtype=torch.float64)
    y = torch.tensor([0, 0, 1])
    each = losses.triplet(x, y, mining="hard", reduction="none", margin=2.0)
    expected = [F.triplet_margin_loss(x[a], x[1 - a], x[2], margin=2.0, eps=0.0).item() for a in (0, 1)]
    assert each.tolist() == pytest.approx([*expected, 0.0], rel=1e-12)  # the third has no partner and is no item
    close(losses.triplet(x, y, mining="hard", margin=2.0), torch.tensor(sum(expected) / 2, dtype=torch.float64))


def test_listnet_of_one_wanted_entry_is_cross_entropy():
    x, _ = batch(losses.listnet)
    first = torch.tensor([2, 0, 1, 3, 3, 0])
    relevance = F.one_hot(first, 4).double() * 1e3
    close(losses.listnet(x, relevance), F.cross_entropy(x, first))


def test_ranknet_of_two_entries_is_binary_cross_entropy():
    x, _ = batch(losses.ranknet)
    relevance = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(6, 2)
    close(losses.ranknet(x[:, :2], relevance), F.softplus(x[:, 1] - x[:, 0]).mean())


def test_a_masked_entry_of_a_list_is_an_entry_removed():
    for loss in (losses.ranknet, losses.listnet, losses.listmle, losses.margin_ranking):
        x, y = batch(loss)
        mask = torch.tensor([True, True, False, True]).expand(6, 4)
        close(loss(x, y, mask=mask), loss(x[:, [0, 1, 3]], y[:, [0, 1, 3]]))


def test_margins_of_zero_leave_cross_entropy_of_scaled_cosines():
    x, y = batch(losses.cosface)
    expected = F.cross_entropy(20 * x, y)
    close(losses.cosface(x, y, margin=0.0, scale=20.0), expected)
    close(losses.arcface(x, y, margin=0.0, scale=20.0), expected, rtol=1e-5)  # cosines end at 1 - 1e-6


def test_kd_at_temperature_one_is_the_divergence_from_the_teachers_odds():
    x, y = batch(losses.kd)
    close(losses.kd(x, y, temperature=1.0), losses.kl_div(x, y.softmax(1)))


def test_the_probabilities_of_corn_make_a_likelihood():
    x, y = batch(losses.corn)
    more = x.sigmoid().cumprod(1)
    steps = torch.cat([torch.ones(6, 1), more, torch.zeros(6, 1)], 1)
    odds = steps[:, :-1] - steps[:, 1:]
    close(losses.corn(x, y), -odds.gather(1, y.unsqueeze(1)).log().mean())


def test_boxes_cost_what_can_be_counted_by_hand():
    a = torch.tensor([[0.0, 0.0, 2.0, 2.0]], dtype=torch.float64)
    b = torch.tensor([[1.0, 0.0, 3.0, 2.0]], dtype=torch.float64)
    close(losses.giou(a, b), torch.tensor(1 - 2 / 6, dtype=torch.float64))  # the hull is the union
    close(losses.diou(a, b), torch.tensor(1 - 2 / 6 + 1 / 13, dtype=torch.float64))
    far = b + torch.tensor([3.0, 0.0, 3.0, 0.0], dtype=torch.float64)
    close(losses.giou(a, far), torch.tensor(1 + (12 - 8) / 12, dtype=torch.float64))


def test_dpo_of_equal_models_is_the_logarithm_of_two():
    x, _ = batch(losses.dpo)
    close(losses.dpo(x, x), torch.tensor(math.log(2), dtype=torch.float64))


def test_ctc_is_that_of_torch():
    x, y = batch(losses.ctc, 5)
    y[1, 2:], y[3, 1:] = -1, -1
    n_steps = torch.tensor([6, 6, 5, 4, 6])
    mask = torch.arange(6) < n_steps.unsqueeze(1)
    log_probs = x.log_softmax(1).permute(2, 0, 1)
    lengths = (y > 0).sum(1)
    theirs = F.ctc_loss(log_probs, y.clamp(min=0), n_steps, lengths, reduction="none", zero_infinity=True)
    close(losses.ctc(x, y, mask=mask, ignore_index=-1, reduction="none"), theirs)


def test_a_blank_between_labels_is_refused():
    x, y = batch(losses.ctc)
    y[2, 1] = 0
    with pytest.raises(LabelError, match=r"target\[2, 1\] is blank or padding, and a label follows"):
        losses.ctc(x, y)

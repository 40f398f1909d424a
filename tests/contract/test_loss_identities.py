"""What a loss becomes at special hyperparameters, and what it is by other people's code: no formula is typed twice here."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics
import torch
from loss_cases import batch, close, value_and_gradient
from scipy.stats import expectile as scipy_expectile

from steepest import losses
from steepest.core.domains import PerClass
from steepest.core.errors import LabelError, ShapeError, UsageError

WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25, 1.5], dtype=torch.float64)


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


# -- regression --------------------------------------------------------------------------------------------------------------


def best_constant(loss, y: torch.Tensor, low: float, high: float, **hyper: float) -> float:
    """The number whose mean loss against all targets is least, by halving the interval in which the slope changes sign."""
    for _ in range(60):
        middle = (low + high) / 2
        _, slope = value_and_gradient(loss, torch.full_like(y, middle), y, **hyper)
        low, high = (middle, high) if slope.sum() < 0 else (low, middle)
    return low


def test_smooth_l1_is_huber_over_beta():
    x, y = batch(losses.huber)
    close(losses.smooth_l1(x, y, beta=0.3), losses.huber(x, y, delta=0.3) / 0.3)


def test_the_quantile_loss_at_one_half_is_half_of_l1():
    x, y = batch(losses.l1)
    close(losses.quantile(x, y), losses.l1(x, y) / 2)


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9])
def test_the_quantile_loss_is_that_of_scikit_learn(tau):
    x, y = batch(losses.quantile)
    expected = sklearn.metrics.mean_pinball_loss(y, x, sample_weight=WEIGHTS, alpha=tau)
    assert losses.quantile(x, y, tau=tau, weight=WEIGHTS).item() == pytest.approx(expected, rel=1e-12)


def test_several_quantiles_are_learned_at_once():
    x, y = batch(losses.quantile, 6, (3,))
    taus = numbers(0.1, 0.5, 0.9)
    together = losses.quantile(x, y, tau=taus, reduction="none")
    alone = [losses.quantile(x[:, k], y[:, k], tau=tau, reduction="none") for k, tau in enumerate(taus.tolist())]
    close(together, torch.stack(alone, 1))


@pytest.mark.parametrize("tau", [0.2, 0.5, 0.9])
def test_the_best_constant_is_the_quantile_or_the_expectile(tau):
    y = numbers(-2.0, 0.5, 1.0, 3.5, 9.0, 11.0, 12.5)
    found = best_constant(losses.quantile, y, -5, 20, tau=tau)
    assert found == pytest.approx(np.quantile(y.numpy(), tau, method="inverted_cdf"), abs=1e-9)
    found = best_constant(losses.expectile, y, -5, 20, tau=tau)
    assert found == pytest.approx(scipy_expectile(y.numpy(), tau), abs=1e-9)


def test_the_expectile_loss_at_one_half_is_half_the_squared_error():
    x, y = batch(losses.mse)
    close(losses.expectile(x, y), losses.mse(x, y) / 2)


def test_the_robust_loss_holds_the_classical_ones():
    x, y = batch(losses.robust_adaptive)
    z = (x - y) / 0.7
    for alpha, expected in (
        (2.0, losses.mse(x, y) / (2 * 0.7**2)),
        (1.0, ((1 + z**2).sqrt() - 1).mean()),
        (0.0, (1 + z**2 / 2).log().mean()),
        (-2.0, (2 * z**2 / (z**2 + 4)).mean()),
    ):
        close(losses.robust_adaptive(x, y, alpha=alpha, scale=0.7), expected)
    welsch = (1 - (-(z**2) / 2).exp()).mean()
    torch.testing.assert_close(losses.robust_adaptive(x, y, alpha=-1e7, scale=0.7), welsch, rtol=1e-6, atol=0)


def test_the_robust_loss_has_no_step_where_a_classical_one_begins():
    x, y = batch(losses.robust_adaptive)
    for alpha in (0.0, 2.0):
        at = value_and_gradient(losses.robust_adaptive, x, y, alpha=alpha)
        near = value_and_gradient(losses.robust_adaptive, x, y, alpha=alpha - 1e-9)
        for a, b in zip(at, near):
            torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-9)


def test_relative_errors_are_those_of_scikit_learn():
    x, y = batch(losses.mape)
    expected = sklearn.metrics.mean_absolute_percentage_error(y, x, sample_weight=WEIGHTS)
    assert losses.mape(x, y, weight=WEIGHTS).item() == pytest.approx(expected, rel=1e-12)
    x, y = x.abs(), y.abs()
    expected = sklearn.metrics.mean_squared_log_error(y, x, sample_weight=WEIGHTS)
    assert losses.msle(x, y, weight=WEIGHTS).item() == pytest.approx(expected, rel=1e-12)


def test_ten_percent_too_much_costs_the_same_for_small_and_large_targets():
    y = numbers(0.01, 5.0, -7e4)
    close(losses.mape(1.1 * y, y, reduction="none"), numbers(0.1, 0.1, 0.1))
    close(losses.smape(1.1 * y, y, reduction="none"), numbers(1, 1, 1) * 0.2 / 2.1)


# -- counts ------------------------------------------------------------------------------------------------------------------


def deviance(loss, x: torch.Tensor, y: torch.Tensor, **hyper: float) -> float:
    """Twice what the log-mean costs above the best one, which says the target itself."""
    excess = loss(x, y, reduction="none", **hyper) - loss(y.log(), y, reduction="none", **hyper)
    return (2 * excess * WEIGHTS).sum().item() / WEIGHTS.sum().item()


def test_losses_of_amounts_are_half_the_deviance_of_scikit_learn():
    x, y = batch(losses.tweedie)
    means = x.exp()
    for ours, theirs in (
        (deviance(losses.poisson_nll, x, y), sklearn.metrics.mean_poisson_deviance(y, means, sample_weight=WEIGHTS)),
        (deviance(losses.gamma, x, y), sklearn.metrics.mean_gamma_deviance(y, means, sample_weight=WEIGHTS)),
        *(
            (
                deviance(losses.tweedie, x, y, power=power),
                sklearn.metrics.mean_tweedie_deviance(y, means, sample_weight=WEIGHTS, power=power),
            )
            for power in (1.1, 1.5, 1.9)
        ),
    ):
        assert ours == pytest.approx(theirs, rel=1e-11)


@pytest.mark.parametrize("name", ["poisson_nll", "gamma", "tweedie"])
def test_the_best_log_mean_is_the_logarithm_of_the_mean(name):
    y = numbers(0.5, 1.0, 2.0, 2.0, 7.0)
    assert best_constant(losses[name], y, -9, 9) == pytest.approx(math.log(2.5), abs=1e-9)


@pytest.mark.parametrize("name", ["poisson_nll", "gamma", "tweedie", "msle"])
def test_a_negative_amount_is_refused(name):
    x, y = batch(losses[name])
    y[3] = -0.5
    with pytest.raises(LabelError) as caught:
        losses[name](x, y)
    assert caught.value.seen == "target[3] is -0.5" and "standardised" in caught.value.repair
    assert losses[name](x, y, mask=y >= 0).isfinite()


# -- classification ----------------------------------------------------------------------------------------------------------

CLASS_WEIGHTS = numbers(0.5, 1.0, 2.0, 4.0)


def same(a, b, x, y, a_options=None, b_options=None, factor=1.0):
    """Value and gradient of two losses agree, with class weights too."""
    for more in ({}, {"class_weight": CLASS_WEIGHTS, "weight": WEIGHTS}):
        ours = value_and_gradient(losses[a], x, y, **(a_options or {}), **more)
        theirs = value_and_gradient(losses[b], x, y, **(b_options or {}), **more)
        for mine, other in zip(ours, theirs):
            close(mine, factor * other)


def test_losses_that_hold_cross_entropy_are_it_at_the_end_of_their_range():
    x, y = batch(losses.cross_entropy)
    same("poly", "cross_entropy", x, y, {"epsilon": 0.0})
    same("bootstrap_soft", "cross_entropy", x, y, {"beta": 1.0})
    ours, theirs = losses.gce(x, y, q=1e-9), losses.cross_entropy(x, y)
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=0)
    ours, theirs = losses.symmetric_ce(x, y, alpha=1.0, beta=1e-12), losses.cross_entropy(x, y)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=0)


def test_gce_with_q_one_is_half_the_absolute_error_of_the_probabilities():
    x, y = batch(losses.gce)
    one_hot = torch.nn.functional.one_hot(y, x.shape[1])
    close(losses.gce(x, y, q=1.0), (x.softmax(1) - one_hot).abs().sum(1).mean() / 2)


def test_poly_is_cross_entropy_with_another_first_term_of_its_expansion():
    x, y = batch(losses.poly)
    x = x / 3  # the series converges slowly where p is nearly 0
    rest = 1 - x.softmax(1).gather(1, y.unsqueeze(1))[:, 0]
    terms = torch.arange(1, 4000, dtype=torch.float64)
    series = (rest.unsqueeze(1) ** terms / terms).sum(1)
    torch.testing.assert_close(losses.poly(x, y, epsilon=2.0), (series + 2.0 * rest).mean(), rtol=1e-9, atol=0)


def test_soft_bootstrap_is_cross_entropy_with_a_bonus_for_certainty():
    x, y = batch(losses.bootstrap_soft)
    entropy = torch.distributions.Categorical(logits=x).entropy().mean()
    close(losses.bootstrap_soft(x, y, beta=0.6), 0.6 * losses.cross_entropy(x, y) + 0.4 * entropy)


def test_symmetric_ce_is_cross_entropy_both_ways_with_a_finite_logarithm_of_zero():
    x, y = batch(losses.symmetric_ce)
    one_hot = torch.nn.functional.one_hot(y, x.shape[1]).double()
    reverse = -(x.softmax(1) * one_hot.clamp(min=math.exp(-4.0)).log()).sum(1).mean()
    close(losses.symmetric_ce(x, y, alpha=0.3, beta=0.7), 0.3 * losses.cross_entropy(x, y) + 0.7 * reverse)


@pytest.mark.parametrize("p", [1, 2])
def test_multi_margin_is_that_of_torch(p):
    x, y = batch(losses.multi_margin)
    twin = torch.nn.MultiMarginLoss(p=p, margin=0.7)
    ours = value_and_gradient(losses.multi_margin, x, y, p=p, margin=0.7)
    theirs = value_and_gradient(lambda x, y: twin(x, y), x, y)
    for mine, other in zip(ours, theirs):
        close(mine, other)


def test_squentropy_is_cross_entropy_and_the_squares_of_the_wrong_scores():
    x, y = batch(losses.squentropy)
    wrong = x.scatter(1, y.unsqueeze(1), 0.0)
    close(losses.squentropy(x, y), losses.cross_entropy(x, y) + (wrong**2).sum(1).mean() / 3)


# -- labels by themselves ----------------------------------------------------------------------------------------------------


def test_focal_losses_of_labels_without_focus_are_binary_cross_entropy():
    x, y = batch(losses.bce_with_logits)
    close(losses.sigmoid_focal(x, y, gamma=0.0, alpha=0.5), losses.bce_with_logits(x, y) / 2)
    ours = losses.asl(x, y, gamma_neg=0.0, margin=1e-13)
    torch.testing.assert_close(ours, losses.bce_with_logits(x, y), rtol=1e-9, atol=0)


def test_focal_with_two_classes_is_sigmoid_focal():
    x, y = batch(losses.sigmoid_focal)
    hard = y.round()
    two = torch.stack([torch.zeros_like(x), x], 1)
    close(losses.sigmoid_focal(x, hard, alpha=0.5), losses.focal(two, hard.long()) / 2)


def test_an_absent_label_below_the_margin_costs_nothing():
    x = torch.logit(numbers(0.04, 0.1, 0.3))
    value, slope = value_and_gradient(losses.asl, x, torch.zeros(3).double(), margin=0.1 + 1e-9, reduction="none")
    assert value[:2].tolist() == slope[:2].tolist() == [0.0, 0.0] and value[2] > 0 and slope[2] > 0


# -- distributions -----------------------------------------------------------------------------------------------------------


def test_js_is_the_mean_divergence_from_the_middle():
    x, y = batch(losses.js)
    p, middle = x.softmax(1), (x.softmax(1) + y) / 2
    close(losses.js(x, y), (losses.kl_div(middle.log(), y) + losses.kl_div(middle.log(), p)) / 2)
    close(losses.js(x, y), losses.js(y.log(), p))


def test_distributions_that_share_no_class_have_the_greatest_js():
    x, y = torch.tensor([[0.0, -1e4]]).double(), torch.tensor([[0.0, 1.0]]).double()
    assert losses.js(x, y).item() == pytest.approx(math.log(2), rel=1e-15)


# -- imbalance ---------------------------------------------------------------------------------------------------------------

COUNTS = [400.0, 40.0, 8.0, 2.0]


def test_even_counts_change_nothing():
    x, y = batch(losses.cross_entropy)
    for counts in ([7.0] * 4, [1.0] * 4):
        same("balanced_softmax", "cross_entropy", x, y, {"class_counts": counts})
        same("logit_adjusted", "cross_entropy", x, y, {"class_counts": counts, "tau": 1.7})


def test_balanced_softmax_is_logit_adjustment_with_tau_one():
    x, y = batch(losses.balanced_softmax)
    same("balanced_softmax", "logit_adjusted", x, y, {"class_counts": COUNTS}, {"class_counts": COUNTS, "tau": 1.0})


def test_balanced_softmax_learns_what_even_classes_would_have_taught():
    """Of data where p(y | x) is that of even classes times the counts, the least loss is at the logits of even classes."""
    even = torch.randn(50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = (even + numbers(*COUNTS).log()).softmax(1)
    _, slope = value_and_gradient(losses.balanced_softmax, even, seen, class_counts=COUNTS)
    assert slope.abs().max() < 1e-16


def test_the_rarest_class_gets_the_widest_margin():
    x = torch.zeros(4, 4).double()
    y = torch.arange(4)
    lost = losses.ldam(x, y, class_counts=[256.0, 16.0, 1.0, 1.0], max_margin=0.8, reduction="none")
    # Each margin, from a row of ties: log(3 + exp(-m)) + m.
    expected = [math.log(3 + math.exp(-m)) + m for m in (0.2, 0.4, 0.8, 0.8)]
    close(lost, numbers(*expected))


def test_ldam_with_a_narrow_margin_is_cross_entropy_of_scaled_logits():
    x, y = batch(losses.ldam)
    ours = losses.ldam(x, y, class_counts=COUNTS, max_margin=1e-13, scale=3.0)
    torch.testing.assert_close(ours, losses.cross_entropy(3.0 * x, y), rtol=1e-11, atol=0)


@pytest.mark.parametrize("name", ["balanced_softmax", "logit_adjusted", "ldam", "seesaw"])
def test_counts_may_differ_from_trial_to_trial(name):
    pairs = [batch(losses[name], seed=k) for k in range(3)]
    x, y = (torch.stack(both) for both in zip(*pairs))
    counts = numbers(*COUNTS).unsqueeze(0) * torch.rand(3, 4, generator=torch.Generator().manual_seed(1)).double()

    def one(x, y, n):
        return losses[name](x, y, class_counts=n)

    close(torch.vmap(one)(x, y, counts), torch.stack([one(*row) for row in zip(x, y, counts)]))


@pytest.mark.parametrize("name", ["balanced_softmax", "logit_adjusted", "ldam", "seesaw", "forward_correction"])
def test_counts_of_another_number_of_classes_are_refused(name):
    x, y = batch(losses[name])
    (option,) = (n for n, h in losses[name].hyper.items() if isinstance(h.domain, PerClass))
    with pytest.raises(ShapeError) as caught:
        losses[name](x, y, **{option: losses[name].hyper[option].domain.allowed(3)[0]})
    assert caught.value.where == name and f"{option} has shape (3," in caught.value.seen


# -- wrong labels ------------------------------------------------------------------------------------------------------------


def test_labels_that_never_go_wrong_need_no_correction():
    x, y = batch(losses.cross_entropy)
    sure = torch.eye(4, dtype=torch.float64)
    same("forward_correction", "cross_entropy", x, y, {"transition": sure})


def test_forward_correction_is_the_log_loss_of_the_noisy_label():
    x, y = batch(losses.forward_correction)
    table = torch.rand(4, 4, generator=torch.Generator().manual_seed(0)).double().softmax(1)
    noisy = x.softmax(1) @ table
    close(losses.forward_correction(x, y, transition=table), losses.nll(noisy.log(), y))


def test_hard_bootstrap_at_full_trust_is_cross_entropy():
    x, y = batch(losses.cross_entropy)
    same("bootstrap_hard", "cross_entropy", x, y, {"beta": 1.0})
    beliefs = x.argmax(1)
    mixed = 0.7 * losses.cross_entropy(x, y) + 0.3 * losses.cross_entropy(x, beliefs)
    close(losses.bootstrap_hard(x, y, beta=0.7), mixed)


def test_a_loss_without_its_counts_is_refused_with_an_example():
    x, y = batch(losses.balanced_softmax)
    for form in (lambda: losses.balanced_softmax(x, y), lambda: losses.BalancedSoftmax()(x, y)):
        with pytest.raises(UsageError) as caught:
            form()
        assert caught.value.seen == "class_counts was not given" and "class_counts=[" in caught.value.repair

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
from steepest.core.errors import LabelError

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

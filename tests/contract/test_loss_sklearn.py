"""The weighted mean of every loss that scikit-learn has is scikit-learn's, to 1e-12: sum of w * l over sum of w."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import sklearn.metrics as judge
import torch
from torch import Tensor

from steepest import losses
from steepest.core.streams import generator

N, C = 997, 5


def drawn(name: str, *shape: int) -> Tensor:
    return torch.randn(N, *shape, generator=generator("scikit-learn", name), dtype=torch.float64)


def weights(kind: str) -> Tensor:
    """One per sample: of several orders of magnitude, some of them 0; or whole numbers."""
    if kind == "whole":
        return torch.randint(4, (N,), generator=generator("scikit-learn", "whole weights")).double()
    spread = (2 * drawn("weights")).exp()
    return torch.where(torch.arange(N) % 7 == 0, 0.0, spread)


def measured(columns: int = 0) -> tuple[Tensor, Tensor]:
    shape = (columns,) if columns else ()
    return drawn("x", *shape), 3 * drawn("y", *shape)


def deviance(loss: Callable[..., Tensor], x: Tensor, y: Tensor, w: Tensor, **hyper: float) -> Tensor:
    """Twice what the log-mean costs above the best one, which says the amount itself."""
    return 2 * (loss(x, y, weight=w, **hyper) - loss(y.log(), y, weight=w, **hyper))


def of_measurements(w: Tensor):
    x, y = measured()
    wide = measured(3)
    amounts = (x.abs(), y.abs())
    yield "mean_squared_error", losses.mse(x, y, weight=w), judge.mean_squared_error(y, x, sample_weight=w)
    yield "mean_squared_error", losses.mse(*wide, weight=w), judge.mean_squared_error(*wide, sample_weight=w)
    root = losses.mse(x, y, weight=w).sqrt()
    yield "root_mean_squared_error", root, judge.root_mean_squared_error(y, x, sample_weight=w)
    yield "mean_absolute_error", losses.l1(x, y, weight=w), judge.mean_absolute_error(y, x, sample_weight=w)
    yield "mean_absolute_error", losses.l1(*wide, weight=w), judge.mean_absolute_error(*wide, sample_weight=w)
    shares = judge.mean_absolute_percentage_error(y, x, sample_weight=w)
    yield "mean_absolute_percentage_error", losses.mape(x, y, weight=w), shares
    logs = losses.msle(*amounts, weight=w)
    yield "mean_squared_log_error", logs, judge.mean_squared_log_error(*amounts, sample_weight=w)
    yield "root_mean_squared_log_error", logs.sqrt(), judge.root_mean_squared_log_error(*amounts, sample_weight=w)
    for tau in (0.05, 0.5, 0.9):
        theirs = judge.mean_pinball_loss(y, x, sample_weight=w, alpha=tau)
        yield "mean_pinball_loss", losses.quantile(x, y, tau=tau, weight=w), theirs


def of_amounts(w: Tensor):
    x, y = drawn("log means"), drawn("amounts").exp()
    poisson = judge.mean_poisson_deviance(y, x.exp(), sample_weight=w)
    yield "mean_poisson_deviance", deviance(losses.poisson_nll, x, y, w), poisson
    gamma = judge.mean_gamma_deviance(y, x.exp(), sample_weight=w)
    yield "mean_gamma_deviance", deviance(losses.gamma, x, y, w), gamma
    for power in (1.1, 1.5, 1.9):
        theirs = judge.mean_tweedie_deviance(y, x.exp(), sample_weight=w, power=power)
        yield "mean_tweedie_deviance", deviance(losses.tweedie, x, y, w, power=power), theirs
    squares = judge.mean_tweedie_deviance(y, x.exp(), sample_weight=w, power=0)
    yield "mean_tweedie_deviance", losses.mse(x.exp(), y, weight=w), squares


def of_classes(w: Tensor):
    x, y = 3 * drawn("scores", C), torch.randint(C, (N,), generator=generator("scikit-learn", "classes"))
    odds, labels = x.softmax(1), range(C)
    logs = judge.log_loss(y, odds, sample_weight=w, labels=labels)
    yield "log_loss", losses.cross_entropy(x, y, weight=w), logs
    yield "log_loss", losses.cross_entropy(odds, y, weight=w, from_probs=True), logs
    yield "log_loss", losses.nll(odds.log(), y, weight=w), logs
    yield "log_loss", losses.poly(x, y, weight=w, epsilon=0.0), logs
    yield "log_loss", losses.focal(x, y, weight=w, gamma=0.0), logs
    hinges = judge.hinge_loss(y, x, sample_weight=w, labels=labels)
    yield "hinge_loss", losses.categorical_hinge(x, y, weight=w), hinges
    if "scale_by_half" in inspect.signature(judge.brier_score_loss).parameters:  # of several classes since 1.7
        brier = judge.brier_score_loss(y, odds, sample_weight=w, labels=labels)
        yield "brier_score_loss", C * losses.square(odds, y, weight=w), brier


def of_two_classes(w: Tensor):
    x, y = 3 * drawn("logits"), (drawn("labels") > 0.3).double()
    p = x.sigmoid()
    logs = judge.log_loss(y, p, sample_weight=w)
    yield "log_loss", losses.bce_with_logits(x, y, weight=w), logs
    yield "log_loss", losses.bce(p, y, weight=w), logs
    yield "log_loss", 2 * losses.sigmoid_focal(x, y, weight=w, gamma=0.0, alpha=0.5), logs
    yield "hinge_loss", losses.hinge(x, y, weight=w), judge.hinge_loss(y, x, sample_weight=w)
    yield "brier_score_loss", losses.mse(p, y, weight=w), judge.brier_score_loss(y, p, sample_weight=w)


NO_LOSS_OF_TRAINING = {
    "coverage_error": "counts places in an order: no slope",
    "label_ranking_loss": "counts pairs in the wrong order: no slope",
    "hamming_loss": "counts decisions: no slope",
    "zero_one_loss": "counts decisions: no slope",
    "median_absolute_error": "a quantile over samples: no mean",
    "max_error": "of one sample, and without weights",
}
KINDS = (of_measurements, of_amounts, of_classes, of_two_classes)


@pytest.mark.parametrize("kind", ["spread", "whole"])
@pytest.mark.parametrize("cases", KINDS, ids=lambda f: f.__name__)
def test_the_weighted_mean_is_that_of_scikit_learn(cases, kind):
    for name, ours, theirs in cases(weights(kind)):
        assert ours.item() == pytest.approx(float(theirs), rel=1e-12), name


def test_no_loss_of_scikit_learn_is_forgotten():
    public = {name for name, f in vars(judge).items() if inspect.isfunction(f) and not name.startswith("_")}
    known = {name for name in public if name.rpartition("_")[2] in ("loss", "error", "deviance")}
    judged = {name for cases in KINDS for name, _, _ in cases(weights("whole"))}
    assert known - judged - set(NO_LOSS_OF_TRAINING) == set() and judged <= known

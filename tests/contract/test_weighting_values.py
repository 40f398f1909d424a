"""Every weighting scheme: its formula to many digits, a mean weight of one, its claims, and what it refuses."""

from __future__ import annotations

import mpmath
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest import losses
from steepest.core.errors import DomainError, ShapeError, UsageError
from steepest.core.item import REQUIRED
from steepest.losses import weightings

WEIGHTINGS = list(weightings)
each_weighting = pytest.mark.parametrize("weighting", WEIGHTINGS, ids=lambda item: item.name)
some_counts = st.lists(st.integers(1, 10**7), min_size=2, max_size=9)


def hyper_sets(weighting) -> list[dict]:
    start = {name: h.default for name, h in weighting.hyper.items() if h.default is not REQUIRED}
    return [start, *({**start, name: v} for name, h in weighting.hyper.items() for v in h.domain.allowed())]


def each_that_claims(name: str):
    found = [w for w in WEIGHTINGS if name in {claim.name for claim in w.claims}]
    return pytest.mark.parametrize("weighting", found, ids=lambda item: item.name)


def test_the_usual_schemes_are_there():
    assert {"none", "inverse_frequency", "square_root", "effective_number"} <= set(weightings.names())
    assert losses.weightings is weightings


@each_weighting
@settings(max_examples=15)
@given(counts=some_counts)
def test_the_weights_are_those_of_the_formula_in_fifty_digits(weighting, counts):
    names = ["n", "p", *weighting.hyper]
    formula = sympy.lambdify(names, sympy.sympify(weighting.formula, locals={n: sympy.Symbol(n) for n in names}), "mpmath")
    with mpmath.workdps(50):
        for hyper in hyper_sets(weighting):
            exact = [formula(mpmath.mpf(n), mpmath.mpf(n) / sum(counts), *map(mpmath.mpf, hyper.values())) for n in counts]
            scale = sum(counts) / sum(n * w for n, w in zip(counts, exact))
            wanted = torch.tensor([float(scale * w) for w in exact], dtype=torch.float64)
            found = weighting(torch.tensor(counts, dtype=torch.float64), **hyper)
            torch.testing.assert_close(found, wanted, rtol=1e-13, atol=0)  # some roundings; beta is given in float64


@each_weighting
@given(counts=some_counts)
def test_the_mean_weight_of_the_training_samples_is_one(weighting, counts):
    n = torch.tensor(counts)
    mean = (weighting(n.double()) * n).sum() / n.sum()
    assert abs(mean.item() - 1) < 1e-12


@each_weighting
def test_a_row_of_counts_per_data_set_equals_one_after_another(weighting):
    counts = torch.tensor([[90.0, 9.0, 1.0], [88.0, 10.0, 2.0]], dtype=torch.float64)
    assert torch.equal(weighting(counts), torch.stack([weighting(row) for row in counts]))


@each_weighting
def test_a_class_without_samples_weighs_as_one_with_a_single_sample(weighting):
    weights = weighting(torch.tensor([50, 1, 0]))
    assert weights.isfinite().all() and weights[2] == weights[1]


@each_weighting
def test_weights_fit_torchs_own_losses(weighting):
    x, y = torch.randn(8, 3), torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    weight = weighting(torch.bincount(y, minlength=3))
    ours = losses.cross_entropy(x, y, class_weight=weight)
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(x, y, weight=weight))


# -- claims ------------------------------------------------------------------------------------------------------------------


@each_that_claims("rarer_weighs_more")
@given(counts=some_counts)
def test_the_rarer_of_two_classes_never_weighs_less(weighting, counts):
    ordered = torch.tensor(sorted(counts), dtype=torch.float64)
    for hyper in hyper_sets(weighting):
        weights = weighting(ordered, **hyper)
        assert (weights.diff() <= 1e-12 * weights[0]).all()  # classes of equal effective size differ by rounding


@each_that_claims("ignores_data_size")
@given(counts=some_counts, times=st.integers(2, 1000))
def test_counting_every_sample_several_times_changes_nothing(weighting, counts, times):
    n = torch.tensor(counts, dtype=torch.float64)
    torch.testing.assert_close(weighting(n * times), weighting(n), rtol=1e-11, atol=0)


# -- identities ----------------------------------------------------------------------------------------------------------------


@given(counts=some_counts)
def test_inverse_frequency_is_scikit_learns_balanced_weight(counts):
    from sklearn.utils.class_weight import compute_class_weight

    shares = [max(1, n // (sum(counts) // 500 + 1)) for n in counts]
    labels = torch.arange(len(shares)).repeat_interleave(torch.tensor(shares)).numpy()
    balanced = compute_class_weight("balanced", classes=torch.arange(len(shares)).numpy(), y=labels)
    found = weightings.inverse_frequency(torch.tensor(shares, dtype=torch.float64))
    torch.testing.assert_close(found, torch.tensor(balanced), rtol=1e-12, atol=0)


def test_the_effective_number_lies_between_none_and_inverse_frequency():
    n = torch.tensor([5000.0, 300.0, 12.0], dtype=torch.float64)
    assert torch.equal(weightings.effective_number(n, beta=0.0), torch.ones(3, dtype=torch.float64))
    near_one = weightings.effective_number(n, beta=1 - 1e-9)
    torch.testing.assert_close(near_one, weightings.inverse_frequency(n), rtol=1e-5, atol=0)
    torch.testing.assert_close(weightings.power(n, alpha=0.5), weightings.square_root(n))
    torch.testing.assert_close(weightings.power(n, alpha=1.0), weightings.inverse_frequency(n))
    assert torch.equal(weightings.power(n, alpha=0.0), weightings.none(n))


def test_classes_together_count_the_same_under_inverse_frequency():
    x, y = torch.randn(60, 3, dtype=torch.float64), torch.tensor([0] * 50 + [1] * 8 + [2] * 2)
    weight = weightings.inverse_frequency(torch.bincount(y).double())
    own = torch.stack([losses.cross_entropy(x[y == c], y[y == c]) for c in range(3)])
    torch.testing.assert_close(losses.cross_entropy(x, y, class_weight=weight), own.mean())


# -- refusals ------------------------------------------------------------------------------------------------------------------


@each_weighting
@pytest.mark.parametrize("counts", [[3, -1], [float("nan"), 1.0], [float("inf"), 1.0], [0, 0]], ids=str)
def test_impossible_counts_are_refused(weighting, counts):
    with pytest.raises(DomainError, match="bincount"):
        weighting(torch.tensor(counts))


def test_a_single_number_and_an_unknown_option_are_refused():
    with pytest.raises(ShapeError, match="bincount"):
        weightings.square_root(torch.tensor(5))
    with pytest.raises(UsageError, match="beta"):
        weightings.effective_number(torch.tensor([5, 1]), betta=0.9)
    with pytest.raises(DomainError):
        weightings.effective_number(torch.tensor([5, 1]), beta=1.0)


# -- several terms ----------------------------------------------------------------------------------------------------------


def test_learned_variances_settle_at_twice_the_share_of_each_term():
    module = weightings.UncertaintyWeighting(["regression", "classification"])
    terms = torch.tensor(4.0), torch.tensor(0.25)
    optimizer = torch.optim.LBFGS(module.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = module(*terms)
        value.backward()
        return value

    optimizer.step(closure)
    torch.testing.assert_close(module.log_variance.exp().detach(), torch.tensor([4.0, 0.5]), rtol=1e-3, atol=0)


def test_a_regression_term_is_the_likelihood_of_a_gaussian():
    module, residual = weightings.UncertaintyWeighting(["regression"]), torch.tensor([1.0, -2.0, 0.5])
    with torch.no_grad():
        module.log_variance.fill_(0.7)
    nll = -torch.distributions.Normal(0.0, torch.tensor(0.7).exp().sqrt()).log_prob(residual).mean()
    constant = 0.5 * torch.log(torch.tensor(2 * torch.pi))
    torch.testing.assert_close(module(residual.square().mean()), nll - constant)


def test_terms_that_are_not_scalars_or_not_named_are_refused():
    with pytest.raises(UsageError, match="classification"):
        weightings.UncertaintyWeighting(["detection"])
    with pytest.raises(ShapeError, match="one per task"):
        weightings.UncertaintyWeighting(["regression", "regression"])(torch.tensor(1.0))

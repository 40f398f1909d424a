"""Every weighting scheme: its formula to many digits, a mean weight of one, its claims, and what it refuses."""

from __future__ import annotations

import math

import mpmath
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest import losses
from steepest.core.domains import PerClass
from steepest.core.errors import DomainError, ShapeError, UsageError
from steepest.core.item import REQUIRED
from steepest.losses import weightings

ALL = list(weightings)
WEIGHTINGS = [item for item in ALL if item.gives == "class_weight"]
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


# -- what shifts logits, or looks at the model's odds ------------------------------------------------------------------------

COUNTS = torch.tensor([40, 8, 2])
each_loss_of_logits = pytest.mark.parametrize(
    "loss", [item for item in losses if item.target.name == "classes" and item.expects == "logits"], ids=lambda item: item.name
)


def labelled(dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    return torch.randn(50, 3, generator=g, dtype=dtype), torch.repeat_interleave(torch.arange(3), COUNTS)


def needed(loss):
    """A loss that cannot be called without some hyperparameters gets them."""
    return {
        name: h.domain.allowed(3)[0] if isinstance(h.domain, PerClass) else h.domain.allowed()[0]
        for name, h in loss.hyper.items()
        if h.default is REQUIRED
    }


def test_a_logit_adjustment_is_tau_times_the_logarithm_of_the_shares():
    for tau in (0.0, 0.5, 1.0, 2.0):
        exact = [tau * math.log(n / 50) for n in (40, 8, 2)]
        assert weightings.logit_adjustment(COUNTS.double(), tau=tau).tolist() == pytest.approx(exact, rel=1e-14)
    rows = torch.tensor([[90.0, 9.0, 1.0], [88.0, 10.0, 2.0]], dtype=torch.float64)
    each = torch.stack([weightings.logit_adjustment(row) for row in rows])
    assert torch.equal(weightings.logit_adjustment(rows), each)


def test_adjusted_cross_entropy_is_the_loss_of_that_name():
    x, y = labelled()
    offset = weightings.logit_adjustment(COUNTS.double(), tau=1.3)
    ours = losses.cross_entropy(x, y, class_offset=offset, label_smoothing=0.1)
    theirs = losses.logit_adjusted(x, y, class_counts=COUNTS.double(), tau=1.3, label_smoothing=0.1)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=0)


@each_loss_of_logits
def test_an_offset_is_added_to_the_logits_of_each_class(loss):
    x, y = labelled()
    offset, mask = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64), torch.arange(50) % 3 > 0
    options = {**needed(loss), "mask": mask, "reduction": "none"}
    torch.testing.assert_close(loss(x, y, class_offset=offset, **options), loss(x + offset, y, **options), rtol=1e-12, atol=1e-12)
    p = x.softmax(1)
    torch.testing.assert_close(loss(p, y, class_offset=offset, from_probs=True, **options), loss(x + offset, y, **options))


@each_loss_of_logits
def test_a_focus_is_a_weight_that_the_model_gives(loss):
    x, y = labelled()
    class_weight = torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)
    doubt = 1 - x.softmax(1).gather(1, y.unsqueeze(1))[:, 0]
    weight = torch.rand(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for focus in (0.0, 1.5, weightings.focal_style(COUNTS)):
        options = {**needed(loss), "class_weight": class_weight}
        leaf, twin = x.clone().requires_grad_(), x.clone().requires_grad_()
        ours = loss(leaf, y, focus=focus, weight=weight, **options)
        theirs = loss(twin, y, weight=weight * doubt ** float(focus), **options)
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=0)
        torch.testing.assert_close(*(torch.autograd.grad(v, z)[0] for v, z in ((ours, leaf), (theirs, twin))))
        parts = [loss.parts(x[c], y[c], focus=focus, weight=weight[c], **options) for c in (slice(0, 9), slice(9, 50))]
        torch.testing.assert_close((parts[0][0] + parts[1][0]) / (parts[0][1] + parts[1][1]), ours.detach())


def test_a_focus_weighs_labels_by_themselves_and_soft_ones():
    x, y = labelled()
    soft = torch.nn.functional.one_hot(y, 3).double() * 0.7 + 0.1
    doubt = (soft * (1 - x.softmax(1))).sum(1)
    torch.testing.assert_close(losses.cross_entropy(x, soft, focus=2.0), losses.cross_entropy(x, soft, weight=doubt**2))
    p = x.sigmoid()
    one_by_one = soft * (1 - p) + (1 - soft) * p
    exact = losses.bce_with_logits(x, soft, weight=one_by_one**2)
    torch.testing.assert_close(losses.bce_with_logits(x, soft, focus=2.0), exact)
    torch.testing.assert_close(losses.bce(p, soft, focus=2.0), exact)


def test_what_is_masked_is_not_read_for_a_focus():
    x, y = labelled()
    mask = torch.arange(50) % 3 > 0
    dirty = torch.where(mask.unsqueeze(1), x, torch.nan).requires_grad_()
    value = losses.cross_entropy(dirty, y, mask=mask, focus=2.0)
    torch.testing.assert_close(value, losses.cross_entropy(x[mask], y[mask], focus=2.0))
    (slope,) = torch.autograd.grad(value, dirty)
    assert slope.isfinite().all() and not slope[~mask].any()


def test_a_focus_and_an_offset_per_trial_equal_a_loop():
    x, y = labelled()
    focus, offset = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)

    def one(f, o):
        return losses.cross_entropy(x, y, focus=f, class_offset=o)

    loop = torch.stack([one(f.item(), o) for f, o in zip(focus, offset)])
    torch.testing.assert_close(torch.vmap(one)(focus, offset), loop)


def test_what_has_no_odds_takes_neither_focus_nor_offset():
    x, y = labelled()
    for loss, target in ((losses.mse, x), (losses.square, y), (losses.zlpr, x.sigmoid()), (losses.nll, y)):
        for option in ({"focus": 2.0}, {"class_offset": torch.zeros(3)}):
            if loss is losses.nll and "focus" in option:
                continue
            with pytest.raises(UsageError) as caught:
                loss(x, target, **option)
            assert caught.value.where == loss.name
    with pytest.raises(DomainError):
        losses.cross_entropy(x, y, focus=-1.0)
    with pytest.raises(ShapeError):
        losses.cross_entropy(x, y, class_offset=torch.zeros(4))


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

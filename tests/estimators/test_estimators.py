"""A module behind scikit-learn's door behaves as its own estimators do, by its own checks and in its own tools."""

from __future__ import annotations

import pickle
import pickletools
import warnings
from functools import partial

import numpy
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_digits,
    load_iris,
    make_classification,
    make_multilabel_classification,
    make_regression,
)
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from steepest import Classifier, Regressor, evaluate, losses
from steepest.core.errors import DataError, ModelError, UsageError
from steepest.estimators.packed import Packed

BRIEF = {"epochs": 8, "learning_rate": 0.1, "random_state": 0}
QUICK = {"epochs": 25, "learning_rate": 0.05, "random_state": 0}


class Net(nn.Module):
    """A user's own module, with a size to search over."""

    def __init__(self, n_features: int, n_outputs: int, width: int = 8) -> None:
        super().__init__()
        self.inner = nn.Linear(n_features, width)
        self.norm = nn.BatchNorm1d(width)
        self.outer = nn.Linear(width, n_outputs)

    def forward(self, x):
        return self.outer(self.norm(self.inner(x)).relu())


def own(n_features: int, n_outputs: int) -> nn.Module:
    """Without BatchNorm, which counts rows whatever they weigh: with it, weights are not copies."""
    return nn.Sequential(nn.Linear(n_features, 16), nn.Tanh(), nn.Linear(16, n_outputs))


@pytest.fixture(scope="module")
def iris():
    x, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(x), y


# -- scikit-learn's own checks ---------------------------------------------------------------------------------------


def failures(estimator) -> list[str]:
    """What check_estimator finds; a check that did not run is told too, but for the one of array libraries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(estimator, on_fail=None)
    assert len(found) > 50
    return [
        f"{one['check_name']}: {one['exception']}"
        for one in found
        if one["status"] != "passed" and one["check_name"] != "check_array_api_input"
    ]


@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_check_estimator_passes_whole(kind):
    """Every check of scikit-learn; few epochs, as each check trains several models."""
    assert failures(kind(**BRIEF)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        Classifier(),
        Classifier(loss="focal(gamma=2)", **BRIEF),
        Classifier(loss="bce_with_logits", **BRIEF),
        Classifier(own, **{**BRIEF, "epochs": 30}),
        Regressor(),
        Regressor(loss="huber", **BRIEF),
    ],
    ids=["classifier", "focal", "bce_with_logits", "own", "regressor", "huber"],
)
def test_check_estimator_passes_whole_for_other_losses_and_modules(estimator):
    assert failures(estimator) == []


# -- in scikit-learn's tools -----------------------------------------------------------------------------------------


def test_a_pipeline_in_a_grid_search_finds_the_better_setting(iris):
    pipe = make_pipeline(StandardScaler(), Classifier("linear", epochs=20, random_state=0))
    search = GridSearchCV(
        pipe, {"classifier__learning_rate": [1e-6, 0.05], "classifier__loss": ["cross_entropy"]}, cv=3
    )
    search.fit(*iris)
    assert search.best_params_["classifier__learning_rate"] == 0.05 and search.best_score_ > 0.7


def test_cross_val_score_clone_and_voting_take_it(iris):
    mine = Classifier(partial(Net, width=4), **QUICK)
    assert cross_val_score(mine, *iris, cv=3).mean() > 0.9
    assert clone(mine).get_params().keys() == mine.get_params().keys()
    both = VotingClassifier([("a", mine), ("b", Classifier("linear", **QUICK))], voting="soft").fit(*iris)
    assert both.score(*iris) > 0.9


def test_a_target_far_from_zero_is_learned_through_a_transformed_target():
    x, y = make_regression(200, 5, random_state=0)
    mine = TransformedTargetRegressor(Regressor("linear", epochs=60, learning_rate=0.1), transformer=StandardScaler())
    assert mine.fit(x, y + 3e5).score(x, y + 3e5) > 0.9


@pytest.mark.parametrize(
    "module",
    ["mlp(width=16)", Net, partial(Net, width=5), lambda n_features, n_classes: nn.Linear(n_features, n_classes)],
)
def test_a_module_may_be_a_name_a_class_or_a_function(iris, module):
    assert Classifier(module, **QUICK).fit(*iris).score(*iris) > 0.85


def test_a_module_that_is_made_is_copied_with_its_weights(iris):
    made = nn.Linear(4, 3)
    before = made.weight.detach().clone()
    fitted = Classifier(made, **{**QUICK, "epochs": 1, "learning_rate": 1e-9}).fit(*iris)
    assert torch.equal(made.weight, before)
    assert torch.allclose(fitted.module_.weight, before.double(), atol=1e-6)


def test_images_of_three_axes_are_taken_as_they_are():
    x, y = load_digits(n_class=3, return_X_y=True)
    x = (x / 16).reshape(-1, 1, 8, 8).astype(numpy.float32)
    mine = Classifier("cnn", epochs=2, learning_rate=0.01, random_state=0).fit(x[:300], y[:300])
    assert mine.score(x[300:], y[300:]) > 0.9 and mine.predict_proba(x[:2]).dtype == numpy.float32


# -- what comes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss", ["cross_entropy", "focal", "bce_with_logits", "nll", nn.CrossEntropyLoss(), losses.KLDiv()]
)
def test_probabilities_decisions_and_labels_agree(iris, loss):
    module = (
        (lambda n_features, n_outputs: nn.Sequential(nn.Linear(n_features, n_outputs), nn.LogSoftmax(1)))
        if loss == "nll"
        else "linear"
    )
    mine = Classifier(module, loss=loss, **QUICK).fit(*iris)
    p, scores = mine.predict_proba(iris[0]), mine.decision_function(iris[0])
    assert p.shape == scores.shape == (150, 3) and numpy.allclose(p.sum(1), 1)
    assert (p.argmax(1) == scores.argmax(1)).all() and (mine.predict(iris[0]) == mine.classes_[p.argmax(1)]).all()


@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits", "hinge"])
def test_two_classes_have_one_score_above_zero_for_the_second(iris, loss):
    x, y = iris[0][50:], numpy.array(["b", "a"])[(iris[1][50:] == 2).astype(int)]
    mine = Classifier("linear", loss=loss, **QUICK).fit(x, y)
    scores = mine.decision_function(x)
    assert scores.shape == (100,) and (mine.predict(x) == mine.classes_[(scores > 0).astype(int)]).all()
    assert mine.score(x, y) > 0.75 and list(mine.classes_) == ["a", "b"]
    assert hasattr(mine, "predict_proba") == (loss != "hinge")
    if loss != "hinge":
        assert ((mine.predict_proba(x)[:, 1] > 0.5) == (scores > 0)).all()


def test_a_loss_of_counts_predicts_means():
    draw = numpy.random.default_rng(0)
    x = draw.normal(size=(400, 1))
    y = draw.poisson(numpy.exp(1 + 0.5 * x[:, 0]))
    mine = Regressor("linear", loss="poisson_nll", epochs=60, learning_rate=0.05, random_state=0).fit(x, y)
    assert mine.predict(x).mean() == pytest.approx(y.mean(), rel=0.05)


def test_several_targets_come_back_as_columns():
    x, y = make_regression(100, 4, n_targets=2, random_state=0)
    assert Regressor("linear", **QUICK).fit(x, y).predict(x).shape == (100, 2)
    assert Regressor("linear", **QUICK).fit(x, y[:, :1]).predict(x).shape == (100, 1)


def test_the_same_random_state_gives_the_same_bits_and_leaves_the_global_generators_alone(iris):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    a, b, c = (Classifier(**{**QUICK, "random_state": s}).fit(*iris).predict_proba(iris[0]) for s in (1, 1, 2))
    assert (a == b).all() and (a != c).any() and torch.equal(torch.get_rng_state(), before)


def test_class_weights_are_sample_weights(iris):
    x, y = iris
    weighed = Classifier(class_weight={0: 1.0, 1: 5.0, 2: 1.0}, **QUICK).fit(x, y)
    by_hand = Classifier(**QUICK).fit(x, y, sample_weight=numpy.where(y == 1, 5.0, 1.0))
    assert numpy.array_equal(weighed.predict_proba(x), by_hand.predict_proba(x))


def test_patience_stops_early_and_the_history_tells(iris):
    mine = Classifier(validation=0.3, patience=2, **{**QUICK, "epochs": 300, "learning_rate": 0.05}).fit(*iris)
    assert mine.n_iter_ < 300 and mine.history_.stopped == "early" and len(mine.history_["val_loss"]) == mine.n_iter_


def test_options_reach_fit(iris):
    mine = Classifier(options={"clip_norm": 1e-12}, **{**QUICK, "optimizer": "sgd"}).fit(*iris)
    start = Classifier(**{**QUICK, "epochs": 1, "learning_rate": 1e-12}).fit(*iris)
    assert numpy.allclose(mine.predict_proba(iris[0]), start.predict_proba(iris[0]), atol=1e-6)


def test_evaluate_takes_a_fitted_estimator(iris):
    x, y = iris
    names = numpy.array(["setosa", "versicolor", "virginica"])
    mine = Classifier("linear", **QUICK).fit(x, names[y])
    found = evaluate(mine, (x, names[y]), metrics="accuracy")
    assert found["accuracy"].value == mine.score(x, names[y]) and found.model == "Classifier"
    assert [row.name for row in found.classes] == list(names)


# -- pickles ---------------------------------------------------------------------------------------------------------


def test_a_pickle_holds_no_tensor_of_torch_and_predicts_the_same_bits(iris):
    mine = Classifier(Net(4, 3), loss=losses.Focal(gamma=2.0), **QUICK).fit(*iris)
    content = pickle.dumps(mine)
    called = {arg for op, arg, _ in pickletools.genops(content) if op.name in ("GLOBAL", "SHORT_BINUNICODE") and arg}
    assert not called & {"_rebuild_tensor_v2", "_rebuild_parameter", "_load_from_bytes"}
    again = pickle.loads(content)
    assert numpy.array_equal(again.predict_proba(iris[0]), mine.predict_proba(iris[0]))
    assert again.fit(*iris).score(*iris) > 0.9


def test_a_packed_module_keeps_ties_frozen_weights_and_statistics():
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    net[0].bias.requires_grad_(False)
    net(torch.randn(9, 3))
    again = Packed.of(net).module()
    assert again[2].weight is again[0].weight and not again[0].bias.requires_grad and again[0].weight.requires_grad
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values()))
    assert isinstance(again[0].weight, nn.Parameter) and net[0].weight is not None
    assert torch.equal(net.eval()(torch.ones(1, 3)), again.eval()(torch.ones(1, 3)))


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "error", "words"),
    [
        (Classifier(loss="mse"), UsageError, "kind 'same'"),
        (Regressor(loss="focal"), UsageError, "kind 'classes'"),
        (Classifier(nn.Linear(4, 7)), DataError, "7 numbers per row and there are 3 classes"),
        (Regressor(nn.Linear(4, 2)), DataError, "2 numbers per row and there are 1 targets"),
        (Classifier(nn.Linear(9, 3)), ModelError, "Does the first layer fit"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_repair(iris, estimator, error, words):
    with pytest.raises(error, match=words):
        estimator.fit(*iris)


def test_one_class_and_weights_that_leave_one_class_are_refused():
    x, y = make_classification(40, random_state=0)
    with pytest.raises(ValueError, match="of one class"):
        Classifier().fit(x, numpy.zeros(40))
    with pytest.raises(ValueError, match="of one class"):
        Classifier().fit(x, y, sample_weight=y.astype(float))


# -- more rows later -------------------------------------------------------------------------------------------------


def test_partial_fit_learns_in_pieces_and_an_optimizer_remembers(iris):
    x, y = iris
    pieces = [slice(start, None, 3) for start in range(3)]
    grown = Classifier("linear", learning_rate=0.05, random_state=0)
    for _ in range(25):
        for piece in pieces:
            grown.partial_fit(x[piece], y[piece], classes=[0, 1, 2])
    assert grown.score(x, y) > 0.9 and grown.n_iter_ == 75
    again = pickle.loads(pickle.dumps(grown))
    assert (again.partial_fit(x, y).predict(x) == y).mean() > 0.9
    with pytest.raises(DataError, match="one of 0, 1, 2"):
        grown.partial_fit(x[:2], [0, 7])
    with pytest.raises(ValueError, match="classes must be passed"):
        Classifier("linear").partial_fit(x, y)


def test_a_pass_of_partial_fit_is_one_epoch_of_the_same_step_size(iris):
    """SGD remembers nothing: one pass over all rows in one batch is the step of the closed form."""
    x = torch.tensor(iris[0][:8]).double().numpy()
    y = numpy.arange(8.0)
    model = torch.nn.Linear(4, 1, bias=False, dtype=torch.float64)
    start = model.weight.detach().clone().numpy()
    grown = Regressor(model, optimizer="sgd", learning_rate=0.01).partial_fit(x, y)
    step = 0.01 * 2 * ((x @ start.T)[:, 0] - y) @ x / 8
    numpy.testing.assert_allclose(grown.module_.weight.detach().numpy()[0], start[0] - step, rtol=1e-10)


def test_a_warm_start_goes_on_and_a_cold_one_begins_anew(iris):
    x, y = iris
    asked = {"module": "linear", "epochs": 5, "learning_rate": 0.05, "random_state": 0}
    warm, cold = Classifier(warm_start=True, **asked), Classifier(**asked)
    first = [estimator.fit(x, y).history_["loss"][0] for estimator in (warm, cold)]
    second = [estimator.fit(x, y).history_["loss"][0] for estimator in (warm, cold)]
    assert first[0] == first[1] == second[1] and second[0] < 0.8 * first[0]
    with pytest.raises(DataError, match="warm_start=False"):
        warm.fit(x, y + 1)


def test_several_labels_per_row_are_questions_of_their_own():
    x, y = make_multilabel_classification(300, 8, n_classes=4, random_state=0)
    x = StandardScaler().fit_transform(x)
    found = Classifier("linear", loss="bce_with_logits", epochs=40, learning_rate=0.05, random_state=0).fit(x, y)
    p = found.predict_proba(x)
    assert p.shape == (300, 4) and ((p > 0.5) == found.predict(x)).all() and (p.sum(1) > 1.1).any()
    reference = OneVsRestClassifier(LogisticRegression()).fit(x, y)
    assert found.score(x, y) > reference.score(x, y) - 0.05
    assert abs(p - reference.predict_proba(x)).mean() < 0.05
    again = pickle.loads(pickle.dumps(found))
    assert (again.predict(x) == found.predict(x)).all() and clone(found).get_params() == found.get_params()
    with pytest.raises(UsageError, match="bce_with_logits"):
        Classifier("linear").fit(x, y)


def test_a_loss_that_asks_about_each_label_says_so_in_the_tags_and_passes_scikit_learns_checks_of_it():
    asks = Classifier(loss="bce_with_logits", epochs=3, random_state=0)
    assert get_tags(asks).classifier_tags.multi_label and not get_tags(Classifier()).classifier_tags.multi_label
    checks = [getattr(estimator_checks, f"check_classifiers_multilabel_{what}") for what in MULTILABEL]
    for check in [*checks, estimator_checks.check_classifier_multioutput]:
        check("Classifier", asks)


MULTILABEL = (
    "output_format_predict",
    "output_format_predict_proba",
    "output_format_decision_function",
    "representation_invariance",
)

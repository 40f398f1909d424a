"""Losses against their twins in torch and scikit-learn, their module forms, and what survives pickling."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
from typing import Any

import pytest
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import (
    CLASSES,
    LOSSES,
    batch,
    close,
    defaults,
    each_loss,
    has_class_weights,
    hyper_sets,
    one_hot,
    parametrize,
    value_and_gradient,
)

from steepest import losses
from steepest.core.domains import Counts, OneOf
from steepest.core.loss import Loss

WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25, 1.5], dtype=torch.float64)
CLASS_WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)


def twin_class(loss: Loss) -> type[torch.nn.Module]:
    module, _, name = loss.equals.rpartition(".")
    return getattr(importlib.import_module(module), name)


def twin(loss: Loss, hyper: dict[str, Any], **more: Any) -> Any:
    """The twin with its arguments, as a function of our input."""
    known = inspect.signature(twin_class(loss)).parameters
    tensors = {k: torch.as_tensor(v, dtype=torch.float64) if k == "pos_weight" else v for k, v in hyper.items()}
    function = twin_class(loss)(**{**loss.equals_with, **{k: v for k, v in tensors.items() if k in known}, **more})
    return lambda x, y: function(loss.equals_input(x) if loss.equals_input else x, y)


def takes(loss: Loss, argument: str) -> bool:
    return argument in inspect.signature(twin_class(loss)).parameters


each_twin = parametrize([item for item in LOSSES if item.equals])
each_twin_of_classes = parametrize([item for item in LOSSES if item.equals and item.target.name == "classes"])


@each_twin
@pytest.mark.parametrize("inner", [(), (2, 3)], ids=["rows", "images"])
def test_values_and_gradients_are_those_of_the_twin(loss, inner):
    x, y = batch(loss, 6, inner)
    for hyper in hyper_sets(loss):
        # A twin whose mean is over samples, not items, says so in equals_with; with inner axes only the sums can agree.
        for reduction in ("mean", "sum") if not loss.equals_with else ("batchmean", "sum"):
            ours = value_and_gradient(loss, x, y, reduction=reduction, **hyper)
            theirs = value_and_gradient(twin(loss, hyper, reduction=reduction), x, y)
            close(ours[0], theirs[0])
            close(ours[1], theirs[1])


@each_twin
def test_each_value_is_that_of_the_twin(loss):
    x, y = batch(loss, 6, (2,))
    theirs = twin(loss, defaults(loss), reduction="none")(x, y)
    close(loss(x, y, reduction="none"), theirs.sum(1) if theirs.dim() > 2 and loss.target.has_class_axis else theirs)


@each_twin
def test_the_default_reduction_is_that_of_the_twin(loss):
    x, y = batch(loss)
    close(loss(x, y), twin(loss, defaults(loss))(x, y))


@each_twin_of_classes
def test_class_weights_and_ignored_targets_are_those_of_the_twin(loss):
    x, y = batch(loss, 6, (3,))
    y[0, 1] = -100
    options = {"label_smoothing": 0.1} if takes(loss, "label_smoothing") else {}
    for reduction in ("mean", "sum", "none"):
        theirs = twin(loss, defaults(loss), reduction=reduction, weight=CLASS_WEIGHTS, ignore_index=-100, **options)
        ours = loss(x, y, class_weight=CLASS_WEIGHTS, ignore_index=-100, reduction=reduction, **options)
        close(ours, theirs(x, y))


# -- scikit-learn: the strictest judge of a weighted mean ------------------------------------------------------------------

MADE_IN_SKLEARN = {
    "torch.nn.MSELoss": sklearn.metrics.mean_squared_error,
    "torch.nn.L1Loss": sklearn.metrics.mean_absolute_error,
}


@parametrize([item for item in LOSSES if item.equals in MADE_IN_SKLEARN])
def test_the_weighted_mean_of_measurements_is_that_of_scikit_learn(loss):
    x, y = batch(loss)
    for weight in (None, WEIGHTS):
        expected = MADE_IN_SKLEARN[loss.equals](y, x, sample_weight=weight)
        assert loss(x, y, weight=weight).item() == pytest.approx(expected, rel=1e-12)


@parametrize([item for item in LOSSES if item.equals in ("torch.nn.CrossEntropyLoss", "torch.nn.NLLLoss")])
def test_the_weighted_log_loss_is_that_of_scikit_learn(loss):
    x, y = batch(loss)
    for weight in (None, WEIGHTS):
        expected = sklearn.metrics.log_loss(y, x.softmax(1), sample_weight=weight, labels=range(CLASSES))
        assert loss(x, y, weight=weight).item() == pytest.approx(expected, rel=1e-12)


@parametrize([item for item in LOSSES if item.equals == "torch.nn.BCEWithLogitsLoss"])
def test_the_weighted_binary_log_loss_is_that_of_scikit_learn(loss):
    x, y = batch(loss)
    expected = sklearn.metrics.log_loss(y.round(), x.sigmoid(), sample_weight=WEIGHTS)
    assert loss(x, y.round(), weight=WEIGHTS).item() == pytest.approx(expected, rel=1e-12)


# -- modules -----------------------------------------------------------------------------------------------------------------


def choices_of(loss: Loss) -> set[str]:
    """Hyperparameters that are no real numbers: nothing to learn or to move."""
    return {name for name, hyper in loss.hyper.items() if isinstance(hyper.domain, (Counts, OneOf))}


def options_for(loss: Loss) -> dict[str, Any]:
    last = hyper_sets(loss)[-1]
    more = {"class_weight": CLASS_WEIGHTS, "ignore_index": 1} if has_class_weights(loss) else {}
    if loss.target.name == "classes":
        more["label_smoothing"] = 0.1
    return {**last, **more, "normalize": "count"}


@each_loss
def test_the_module_form_equals_the_functional_form(loss):
    x, y = batch(loss, 6, (2,))
    options = options_for(loss)
    module = loss.module_class(**options)
    assert getattr(losses, loss.class_name) is loss.module_class and module.__class__.__name__ == loss.class_name
    assert torch.equal(module(x, y), loss(x, y, **options))
    assert torch.equal(module(x, y, weight=WEIGHTS), loss(x, y, weight=WEIGHTS, **options))
    assert torch.equal(module(x, y, reduction="sum"), loss(x, y, reduction="sum", **options))
    assert all(torch.equal(a, b) for a, b in zip(module.parts(x, y), loss.parts(x, y, **options)))


@each_loss
def test_a_module_shows_its_hyperparameters(loss):
    shown = repr(loss.module_class(**defaults(loss)))
    assert shown.startswith(f"{loss.class_name}(") and all(f"{k}={v!r}" in shown for k, v in defaults(loss).items())


@each_loss
def test_tensors_in_a_module_move_and_are_saved_with_it(loss):
    x, y = batch(loss)
    tensors = {name: torch.tensor(value) for name, value in defaults(loss).items() if name not in choices_of(loss)}
    if has_class_weights(loss):
        tensors["class_weight"] = torch.ones(CLASSES)
    module = loss.module_class(**tensors)
    assert set(module.state_dict()) == set(tensors)
    assert all(v.dtype == torch.float64 for v in module.double().state_dict().values())
    close(module(x, y), loss(x, y), rtol=1e-6)  # 0.7 is no float32


@each_loss
def test_a_hyperparameter_may_be_learned(loss):
    x, y = batch(loss)
    start = defaults(loss)
    for name in start.keys() - choices_of(loss):
        module = loss.module_class(**{**start, name: torch.nn.Parameter(torch.tensor(start[name]))})
        module(x, y).backward()
        (parameter,) = module.parameters()
        assert parameter.grad.isfinite().all() and parameter.grad.any()


@each_loss
def test_items_and_modules_survive_pickling_and_copying(loss):
    assert pickle.loads(pickle.dumps(loss)) is loss
    assert copy.deepcopy(loss) is loss and copy.copy(loss) is loss
    x, y = batch(loss, 6, (2,))
    module = loss.module_class(**options_for(loss))
    for other in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert type(other) is type(module) and other is not module
        assert torch.equal(other(x, y), module(x, y))
        assert all(a is not b for a, b in zip(other.buffers(), module.buffers()))


class Doubled(losses.Huber):
    """A user's own class on top of ours."""

    def forward(self, input, target, **options):
        return 2 * super().forward(input, target, **options)


def test_a_users_subclass_survives_pickling_and_copying():
    module = Doubled(delta=2.0)
    x, y = batch(losses.huber)
    for other in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert type(other) is Doubled and other(x, y) == 2 * losses.huber(x, y, delta=2.0)


# -- between losses --------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_focal_with_gamma_zero_is_cross_entropy(seed):
    x, y = batch(losses.cross_entropy, seed=seed)
    close(losses.focal(x, y, gamma=0.0, class_weight=CLASS_WEIGHTS), losses.cross_entropy(x, y, class_weight=CLASS_WEIGHTS))


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_the_square_loss_is_the_squared_error_of_one_hot_rows(seed):
    x, y = batch(losses.square, seed=seed)
    close(losses.square(x, y), torch.nn.functional.mse_loss(x, one_hot(y)))


def test_huber_with_a_wide_delta_is_half_the_squared_error():
    x, y = batch(losses.mse)
    close(losses.huber(x, y, delta=1e9), losses.mse(x, y) / 2)


def test_divergence_from_hard_labels_is_cross_entropy():
    x, y = batch(losses.cross_entropy)
    close(losses.kl_div(x, one_hot(y)), losses.cross_entropy(x, y))

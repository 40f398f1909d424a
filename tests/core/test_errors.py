"""Errors carry their facts as fields, tell them in one form, and survive a process border."""

from __future__ import annotations

import inspect
import pickle

import pytest

from steepest.core import errors
from steepest.core.errors import ShapeError, SteepestError, UnknownName, did_you_mean, unknown_name

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SteepestError)]
PYTHONS_OWN = (ValueError, TypeError, LookupError, OSError, RuntimeError, MemoryError)
FACTS = {"where": "mse", "seen": "a", "needed": "b", "repair": "do c", "consequence": "Else d."}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_facts_and_can_be_sent(kind):
    error = kind(**FACTS)
    again = pickle.loads(pickle.dumps(error))
    for one in (error, again):
        assert type(one) is kind and str(one) == "mse: a; b.\nElse d.\ndo c"
        assert {name: getattr(one, name) for name in FACTS} == FACTS


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not SteepestError], ids=lambda kind: kind.__name__)
def test_every_error_is_also_one_of_pythons_own(kind):
    assert kind.__doc__ and any(issubclass(kind, own) for own in PYTHONS_OWN)


def test_an_error_without_a_consequence_has_two_lines():
    assert str(ShapeError(where="x", seen="a", needed="b", repair="c")) == "x: a; b.\nc"


def test_facts_are_given_by_name():
    with pytest.raises(TypeError):
        ShapeError("x", "a", "b", "c")


def test_a_near_name_is_offered_and_else_all():
    assert did_you_mean("hubber", ["huber", "mse", "l1"]) == "Did you mean 'huber'?"
    assert did_you_mean("Huber", ["huber", "mse"]) == "Did you mean 'huber'?"
    assert did_you_mean("acc", ["jaccard", "accuracy"]) == "Did you mean 'accuracy' or 'jaccard'?"
    assert did_you_mean("iou", ["dice", "mean_iou", "accuracy"]) == "Did you mean 'mean_iou'?"
    assert did_you_mean("zzz", ["mse", "huber", "mse"]) == "Known: huber, mse."
    assert did_you_mean("zzz", []) == "Nothing is known yet."


def test_an_unknown_name_says_the_kind():
    error = unknown_name("losses", "hubber", "loss", ["huber"])
    assert isinstance(error, UnknownName) and isinstance(error, LookupError)
    assert str(error) == (
        "losses: there is no loss called 'hubber'; the name of a known loss was needed.\nDid you mean 'huber'?"
    )

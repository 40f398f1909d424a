"""A declaration that contradicts itself is refused when its file is imported; one that does not tells about itself."""

from __future__ import annotations

from typing import Literal

import pytest
from torch import Tensor

from steepest import losses
from steepest.core.declare import loss
from steepest.core.domains import Log, Positive, UnitOpen
from steepest.core.errors import DeclarationError, DomainError, UsageError
from steepest.core.item import REQUIRED
from steepest.core.targets import same_as_input

FACTS = {"target": same_as_input, "task": "regression", "use": "Never.", "source": "None", "formula": "x - y"}


def test_a_default_outside_its_domain_is_refused():
    with pytest.raises(DomainError, match="the default of delta is -1.0; it must be a number > 0"):

        @loss(**FACTS)
        def odd(input: Tensor, target: Tensor, *, delta: Positive = -1.0) -> Tensor:
            return input - target


def test_a_search_range_of_no_argument_is_refused():
    with pytest.raises(DeclarationError, match=r"search names \['detla'\]"):

        @loss(**FACTS, search={"detla": Log(0.1, 10)})
        def odd(input: Tensor, target: Tensor, *, delta: Positive = 1.0) -> Tensor:
            return input - target


@loss(**FACTS, search={"delta": Log(0.1, 10)})
def plain(
    input: Tensor, target: Tensor, *, delta: Positive, beta: UnitOpen = 0.5, how: Literal["a", "b"] = "a"
) -> Tensor:
    """The difference,
    over two lines.

    More that is no purpose.
    """
    return input - target


def test_the_arguments_after_the_star_are_the_hyperparameters():
    assert list(plain.hyper) == ["delta", "beta", "how"]
    assert plain.hyper["delta"].default is REQUIRED and plain.hyper["beta"].default == 0.5
    assert plain.hyper["delta"].explain() == "a number > 0; searched log-uniform 0.1 to 10"
    assert plain.hyper["beta"].explain() == "a number in [0, 1)"
    assert plain.hyper["how"].explain() == "one of 'a', 'b'"
    assert repr(plain) == "<loss plain(delta, beta=0.5, how='a')>"


def test_the_purpose_is_the_files_first_paragraph_where_the_file_is_the_items_own():
    assert plain.purpose == "The difference, over two lines."
    assert losses.huber.purpose.startswith("Huber: squared error up to delta")
    assert losses.huber.file.endswith("huber.py") and losses.huber.__doc__ == losses.huber.fn.__doc__


def test_an_unknown_argument_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'delta'"):
        plain.check_hyper({"detla": 1.0})


def test_the_class_form_is_named_in_camel_case_unless_it_says_otherwise():
    assert plain.class_name == "Plain" and losses.cross_entropy.class_name == "CrossEntropy"
    assert [losses[name].class_name for name in ("mse", "l1", "nll", "kl_div", "bce_with_logits")] == [
        "MSE", "L1", "NLL", "KLDiv", "BCEWithLogits",
    ]  # fmt: skip

"""Numbers per trial stand beside tensors as floats would, trial by trial."""

from __future__ import annotations

import operator

import pytest
import torch

from steepest.core.per_trial import PerTrial, choose, holds_for_any, larger, log, smaller, trials_where

VALUES = [0.25, 2.0, 3.5]
X = torch.linspace(0.5, 3.0, 24, dtype=torch.float64).view(3, 2, 4)

EXPRESSIONS = {
    "sum": lambda n, x: n + x + n,
    "difference": lambda n, x: (n - x) - (x - n),
    "product": lambda n, x: x * n * 2,
    "quotient": lambda n, x: n / x + x / n + 1 / n,
    "power": lambda n, x: x**n + n**x + 2**n + n**0.5,
    "remainder": lambda n, x: x * (n % 1.5),
    "minus": lambda n, x: -n * x,
    "comparison": lambda n, x: x * (n > 1) + x * (n <= 2) + x * (1 - (n < 1)),
    "torch functions": lambda n, x: torch.lerp(x, 2 * x, n) + torch.addcmul(n * x, n * x, x) + x.clamp(min=n),
    "larger, smaller": lambda n, x: larger(n, x) + smaller(n, 1.0) * x + larger(n, n + 1) * x,
    "choice of numbers": lambda n, x: x * choose(n > 1, n, 0.0),
    "choice of tensors": lambda n, x: choose(n > 1, x, 2 * x),
    "logarithm": lambda n, x: x * log(n),
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_an_expression_of_numbers_per_trial_is_that_of_each_trials_number(expression):
    together = expression(PerTrial(torch.tensor(VALUES, dtype=torch.float64)), X)
    for number, row, found in zip(VALUES, X, together):
        assert torch.allclose(found, expression(number, row), rtol=1e-15, atol=0)


def test_a_tensor_keeps_its_dtype_and_numbers_among_themselves_stay_in_float64():
    n, half = PerTrial(torch.tensor(VALUES)), X.float()
    for call in (operator.add, operator.mul, operator.truediv):
        assert call(half, n).dtype == call(n, half).dtype == torch.float32
    assert (n * 2 - n / 3).values.dtype == torch.float64


def test_conditions_name_the_trials_for_which_they_hold():
    n = PerTrial(torch.tensor(VALUES))
    assert trials_where(n > 1, 3) == [1, 2] and trials_where(True, 3) == [0, 1, 2] and trials_where(False, 3) == []
    assert holds_for_any(n > 3) and not holds_for_any(n > 4) and holds_for_any(0.1) and not holds_for_any(0.0)


def test_some_trials_and_repeated_trials_keep_their_numbers():
    n = PerTrial(torch.tensor(VALUES))
    assert n.take(slice(1, 3)).values.tolist() == [2.0, 3.5] and n.take(torch.tensor([2])).values.tolist() == [3.5]
    assert n.repeat(2).values.tolist() == VALUES * 2

"""torch's own test data finds no difference from torch.nn in steepest.nn; `bench/torch_suite.py` prints the counts."""

from __future__ import annotations

import pytest
import torch
import torch_suite

HALVES = (torch.float16, torch.bfloat16)
# What each part of torch's data has; the adaptive softmax is in none of them and has a part of its own.
IN_THE_SUITE = [name for name in torch_suite.CLASSES if name != "AdaptiveLogSoftmaxWithLoss"]
EVERY = {"LinearCrossEntropyLoss": 10, "GaussianNLLLoss": 10}  # they have more than all others; the slow test runs all
pytestmark = pytest.mark.filterwarnings("ignore")  # torch's own


def assert_nothing_is_lost(scores, minimum):
    assert sum(s.trials for s in scores) >= minimum
    for score in scores:
        assert score.differences == []
        assert score.same_bits == score.trials and score.ours_right == score.torch_right


@pytest.mark.parametrize("name", IN_THE_SUITE)
def test_module_inputs_in_float32(name):
    score = torch_suite.of_modules(0, (torch.float32,), name, EVERY.get(name, 1))
    assert_nothing_is_lost([score], 0)
    assert score.ours_right == score.trials


@pytest.mark.parametrize("name", IN_THE_SUITE)
def test_reference_formulas_criteria_and_functions_in_float64(name):
    scores = [torch_suite.of_criteria(0, name), torch_suite.of_references(0, name)]
    operators = torch_suite.of_operators(0, (torch.float64,), name, EVERY.get(name, 1))
    assert_nothing_is_lost([*scores, operators], 3)
    assert all(s.ours_right == s.trials for s in scores if s.part in ("criterion_tests", "loss_reference_fns"))


def test_the_adaptive_softmax_by_hand():
    score = torch_suite.of_adaptive(0, (torch.float32, torch.float64), "AdaptiveLogSoftmaxWithLoss")
    assert_nothing_is_lost([score], 80)
    assert score.ours_right == score.trials


def test_the_suite_reaches_every_class_and_as_many_inputs_as_torch_ships():
    modules = {i.module_cls.__name__ for i in torch_suite.common_modules.module_db} & set(torch_suite.CLASSES)
    operators = {torch_suite.class_of(op) for op in torch_suite.common_methods_invocations.op_db} - {None}
    assert modules | operators == set(IN_THE_SUITE)
    named = {entry["fullname"].partition("_no_batch_dim_")[0] for entry in torch_suite.common_nn.criterion_tests}
    assert named <= set(IN_THE_SUITE)


@pytest.mark.parametrize("wrong", ["value", "error", "denominator"])
def test_the_suite_sees_a_wrong_twin(monkeypatch, wrong):
    class Off(torch.nn.MSELoss):
        def forward(self, input, target):
            if wrong == "error":
                raise TypeError("no")
            value = super().forward(input, target)
            return torch.nextafter(value, value + 1) if wrong == "value" else value * 2

    monkeypatch.setattr(torch_suite.nn, "MSELoss", Off)
    score = torch_suite.of_modules(0, (torch.float64,), "MSELoss")
    assert score.torch_right == score.trials == len(score.differences) and score.same_bits == 0
    assert score.ours_right < score.trials or wrong == "value"  # one ulp is right, and yet not the same


@pytest.mark.slow  # all parts, all dtypes, other seeds: a minute
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", IN_THE_SUITE)
def test_the_whole_suite(name, seed):
    assert_nothing_is_lost(torch_suite.parts(seed, torch_suite.FLOATS + HALVES, name), 20)

"""What a rule is said to remember is what its optimizer holds."""

from __future__ import annotations

import pytest
import torch
from rule_cases import RULES

from steepest import optim
from steepest.optim.memory import memory_in_words, numbers_kept
from steepest.optim.optimizer import class_of


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("shape", [(6, 4), (5,), (3, 2, 2)], ids=str)
def test_the_numbers_that_a_rule_keeps_are_those_in_its_optimizer(rule, shape):
    for option in (None, *dict.fromkeys(rule.only_with.values())):
        settings = {option: 0.5} if option else {}
        param = torch.nn.Parameter(torch.ones(shape))
        param.grad = torch.ones(shape)
        stepper = class_of(rule)([param], **settings)
        stepper.step()
        tensors = {n: v for n, v in stepper.state[param].items() if isinstance(v, torch.Tensor)}
        held = sum(v.numel() for n, v in tensors.items() if n in rule.states and n not in rule.scalar_states)
        assert numbers_kept(rule, shape, settings) == held


def test_memory_reads_as_it_is():
    assert memory_in_words(optim.adamw) == "2 numbers for each parameter, 8 bytes in float32"
    assert memory_in_words(optim.sgd) == "nothing beside the parameters; 1 more with momentum"
    assert memory_in_words(optim.muon).startswith(
        "of a 512 x 512 matrix 1 number for each parameter, 4 bytes in float32;"
    )
    assert "0.00391 numbers" in memory_in_words(optim.adafactor)  # a row and a column of 512: 2 / 512

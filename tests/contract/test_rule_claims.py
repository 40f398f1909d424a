"""Each claim of a rule meets a test that tries to break it, in both faces; a claim without a test fails."""

from __future__ import annotations

import pytest
import torch
from rule_cases import RULES, batch_of_hyper, distance, gradients, layout_of, optimizer, parts, stacked, start

from steepest.core import claims
from steepest.optim.optimizer import class_of

CLAIMED = [(rule, claim) for rule in RULES for claim in rule.claims]


def rests_at_zero_gradient(rule, claim):
    layout = layout_of(rule, 40)
    for dtype in (torch.float32, torch.float64):
        param = start("rest", 6, 40, dtype=dtype)
        stepper = stacked(rule, batch_of_hyper(rule, 6), [0.0] * 6, param, layout)
        together, alone = param.clone(), [torch.nn.Parameter(part.clone()) for part in parts(param[0], layout)]
        one = class_of(rule)(alone, lr=1.0, **({} if rule.decay == "none" else {"weight_decay": 0.0}))
        for value in alone:
            value.grad = torch.zeros_like(value)
        for _ in range(20):
            stepper.step(together, torch.zeros_like(param), torch.ones(6, dtype=torch.float64))
            one.step()
        assert torch.equal(together, param)
        assert torch.equal(torch.cat([value.detach().flatten() for value in alone]), param[0])


def step_at_most_lr(rule, claim):
    sizes = torch.tensor([0.0, 1e-30, 1e-12, 1e-6, 1.0, 1e6, 1e12, 1e18])
    for dtype in (torch.float32, torch.float64):
        grad = torch.cat([sizes, -sizes]).to(dtype)
        value = torch.nn.Parameter(torch.zeros_like(grad))
        value.grad = grad
        optimizer(rule, value, lr=0.5).step()
        assert value.isfinite().all()
        assert value.abs().max() <= 0.5 * claim.bound * (1 + 1e-6)
        assert value.abs().max() >= 0.5 * claim.bound * 0.9, "a tighter bound holds: claim it"


def ignores_gradient_scale(rule, claim):
    paths = []
    for scale in (1.0, 2.0**-60, 2.0**60, 3e-5, 7e4):
        value = torch.nn.Parameter(start("scale", 8))
        stepper = optimizer(rule, value, lr=0.1)
        for grad in gradients("scale", 20, 8):
            value.grad = grad * scale
            stepper.step()
        paths.append(value.detach())
    assert all(distance(path, paths[0]) < 1e-9 for path in paths)


TESTS = {test.__name__: test for test in (rests_at_zero_gradient, step_at_most_lr, ignores_gradient_scale)}


@pytest.mark.parametrize(("rule", "claim"), CLAIMED, ids=[f"{rule.name} {claim.name}" for rule, claim in CLAIMED])
def test_a_claim_withstands_its_test(rule, claim):
    assert claim.name in TESTS, f"{rule.name} claims {claim.name}, which no test tries to break"
    TESTS[claim.name](rule, claim)


def test_the_tests_of_claims_can_fail():
    sgd = next(r for r in RULES if not any(c.name == "step_at_most_lr" for c in r.claims))
    for false in (claims.step_at_most_lr(1.0), claims.ignores_gradient_scale):
        with pytest.raises(AssertionError):
            TESTS[false.name](sgd, false)
    adam = next(r for r in RULES if any(c == claims.step_at_most_lr(1.0) for c in r.claims))
    for bound in (0.5, 2.0):
        with pytest.raises(AssertionError):
            TESTS["step_at_most_lr"](adam, claims.step_at_most_lr(bound))

"""Parameters in half precision: every rule computes in float32 and rounds once, whatever its eps is in float16."""

from __future__ import annotations

import pytest
import torch

from steepest import optim

RULES = [rule for rule in optim if not rule.solo_only and rule.name != "sparse_adam"]
SHAPES = ((6, 4), (5,), (3, 2, 2), ())
HALF = [torch.float16, torch.bfloat16]


def trained(rule, dtype: torch.dtype, n: int) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    starts = [torch.randn(shape, generator=draw).bfloat16().half() for shape in SHAPES]  # numbers of both
    params = [torch.nn.Parameter(start.to(dtype)) for start in starts]
    optimizer = getattr(optim, rule.class_name)(params, lr=0.01)
    for _ in range(n):
        for param in params:
            param.grad = (0.01 * torch.randn(param.shape, generator=draw)).bfloat16().half().to(dtype)
        optimizer.step()
    return [param.detach() for param in params]


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_first_step_is_the_float32_step_rounded(rule, dtype):
    n = 2 if rule.name in ("adopt", "soap") else 1  # their first steps only look
    for half, single in zip(trained(rule, dtype, n), trained(rule, torch.float32, n)):
        eps = torch.finfo(dtype).eps
        # states of the step before are rounded too; torch's own Adafactor and Muon compute in the parameter's dtype
        slack = 0.02 if rule.name in ("adafactor", "muon") or n > 1 else 1e-5
        torch.testing.assert_close(half.float(), single, rtol=eps, atol=slack)


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_small_gradients_in_float16_leave_weights_finite(rule):
    params = [torch.nn.Parameter(torch.ones(shape, dtype=torch.float16)) for shape in SHAPES]
    optimizer = getattr(optim, rule.class_name)(params, lr=0.01)
    for t in range(4):
        for param in params:
            param.grad = torch.full_like(param, 1e-4 if t else 0.0)  # its square is 0 in float16
        optimizer.step()
    assert all(param.isfinite().all() for param in params)

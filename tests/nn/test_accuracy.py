"""In no dtype is a class of steepest.nn less accurate than torch's: without additions it has its bits, with them no more error."""

from __future__ import annotations

import pytest
import torch
from nn_cases import CASES, N, parametrize, value_of

from steepest import nn

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
SEEDS = range(4)
each_case = parametrize(CASES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


def made(space, case, dtype, **options):
    torch.manual_seed(1)
    return getattr(space, case.name)(**{**case.options, **options}).to(dtype)


def batch(case, dtype, seed):
    return tuple(a.to(dtype) if a.is_floating_point() else a for a in case.batch(seed))


def run(module, arguments, **options):
    """The value and the gradient by the input, or the error's type where this dtype is refused."""
    leaves = [a.clone() for a in arguments]
    leaves[0].requires_grad_()
    try:
        value = value_of(module(*leaves, **options))
        return value.detach(), torch.autograd.grad(value.sum(), leaves[0])[0]
    except (RuntimeError, NotImplementedError) as error:
        return type(error)


@each_case
@each_dtype
def test_without_additions_the_bits_are_torchs_in_every_dtype(case, dtype):
    for reduction in case.reductions:
        options = {"reduction": reduction} if len(case.reductions) > 1 else {}
        arguments = batch(case, dtype, 0)
        theirs, ours = (run(made(space, case, dtype, **options), arguments) for space in (torch.nn, nn))
        if isinstance(theirs, type):
            assert ours is theirs
        else:
            assert all(a.dtype == b.dtype and torch.equal(a, b) for a, b in zip(ours, theirs))


def error_of(found, exact):
    """Of a value, and the largest of a gradient."""
    return [float((a.double() - b).abs().max()) for a, b in zip(found, exact)]


@each_case
@pytest.mark.parametrize("dtype", DTYPES[1:], ids=str)
def test_with_weights_or_a_mask_the_error_against_float64_is_not_larger(case, dtype):
    """Weights of 1 and a mask of true make it the same loss; then torch's error is the measure, and one rounding is free.

    The largest over some seeds: which of two sums is luckier in one batch is chance.
    """
    ones, trues = torch.ones(N, dtype=dtype), torch.ones(N, dtype=torch.bool)
    worst = {"torch": [0.0, 0.0], "weight": [0.0, 0.0], "mask": [0.0, 0.0]}
    largest = [0.0, 0.0]
    for seed in SEEDS:
        arguments = batch(case, dtype, seed)
        exact_arguments = tuple(a.double() if a.is_floating_point() else a for a in arguments)
        theirs = run(made(torch.nn, case, dtype), arguments)
        if isinstance(theirs, type):  # torch has no such loss of this dtype
            return
        exact = run(made(torch.nn, case, dtype).double(), exact_arguments)
        largest = [max(old, float(new.abs().max())) for old, new in zip(largest, exact)]
        calls = {"torch": theirs, "weight": run(made(nn, case, dtype), arguments, weight=ones)}
        calls["mask"] = run(made(nn, case, dtype), arguments, mask=trues)
        for name, found in calls.items():
            worst[name] = [max(old, new) for old, new in zip(worst[name], error_of(found, exact))]
    free = [torch.finfo(dtype).eps * size for size in largest]
    for name in ("weight", "mask"):
        assert all(ours <= theirs + one for ours, theirs, one in zip(worst[name], worst["torch"], free)), (name, worst)

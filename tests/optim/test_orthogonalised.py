"""The iteration of Muon gives a large matrix the same bits alone and among others, and ends where it should."""

from __future__ import annotations

import pytest
import torch

from steepest.optim.matrices import LEAST_HALF, ONE_BY_ONE, orthogonalised, squared

SLOW_AND_SURE = (15 / 8, -5 / 4, 3 / 8)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", [(ONE_BY_ONE, 300), (300, ONE_BY_ONE)], ids=str)
def test_a_large_matrix_has_the_same_bits_alone_and_among_others(shape, dtype):
    together = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    found = orthogonalised(together, SLOW_AND_SURE, 3, 1e-7)
    for k in range(3):
        assert torch.equal(found[k : k + 1], orthogonalised(together[k : k + 1], SLOW_AND_SURE, 3, 1e-7))


@pytest.mark.parametrize("side", [40, ONE_BY_ONE, 2 * LEAST_HALF + 1])
def test_the_iteration_nears_the_orthogonal_factor_of_the_singular_value_decomposition(side):
    x = torch.randn(1, side, side + 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left, _, right = torch.linalg.svd(x, full_matrices=False)
    torch.testing.assert_close(orthogonalised(x, SLOW_AND_SURE, 25, 1e-12), left @ right, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("n", [LEAST_HALF, 2 * LEAST_HALF, 4 * LEAST_HALF + 3])
def test_a_product_put_together_from_halves_is_symmetric_and_the_whole_product(n, dtype):
    draw = torch.Generator().manual_seed(n)
    x = torch.randn(n, 50, generator=draw, dtype=torch.float64).to(dtype)
    whole = x.double() @ x.double().mT
    close = {"rtol": 0, "atol": 1e-11 if dtype == torch.float64 else 0.5}  # a unit of bfloat16 near 100
    torch.testing.assert_close(squared(x).double(), whole, **close)
    plus = squared(x)
    torch.testing.assert_close(squared(x, plus, 2.0, -0.5).double(), 2 * plus.double() - 0.5 * whole, **close)
    if n >= 2 * LEAST_HALF:
        assert torch.equal(plus[: n // 2, n // 2 :], plus[n // 2 :, : n // 2].mT)

"""The iteration of Muon gives a large matrix the same bits alone and among others, and ends where it should."""

from __future__ import annotations

import pytest
import torch

from steepest.optim.matrices import ONE_BY_ONE, orthogonalised

SLOW_AND_SURE = (15 / 8, -5 / 4, 3 / 8)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", [(ONE_BY_ONE, 300), (300, ONE_BY_ONE)], ids=str)
def test_a_large_matrix_has_the_same_bits_alone_and_among_others(shape, dtype):
    together = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    found = orthogonalised(together, SLOW_AND_SURE, 3, 1e-7)
    for k in range(3):
        assert torch.equal(found[k : k + 1], orthogonalised(together[k : k + 1], SLOW_AND_SURE, 3, 1e-7))


@pytest.mark.parametrize("side", [40, ONE_BY_ONE])
def test_the_iteration_nears_the_orthogonal_factor_of_the_singular_value_decomposition(side):
    x = torch.randn(1, side, side + 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    left, _, right = torch.linalg.svd(x, full_matrices=False)
    torch.testing.assert_close(orthogonalised(x, SLOW_AND_SURE, 25, 1e-12), left @ right, rtol=0, atol=1e-10)

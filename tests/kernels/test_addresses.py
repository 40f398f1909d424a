"""Addresses asked in one call are those that each tensor gives, and what a compiled step could not take is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steepest.kernels import addresses
from steepest.kernels.addresses import addresses_of

WAYS = ("in one call", "one by one")


@pytest.fixture(params=WAYS, autouse=True)
def way(request, monkeypatch):
    if request.param == "one by one":
        monkeypatch.setattr(addresses, "_look", lambda: None)
    elif addresses._look() is None:
        pytest.skip("no compiler, or a torch without the table")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_plain_tensors_give_their_addresses(dtype):
    base = torch.randn(10, 6, dtype=dtype)
    odd = [torch.tensor(1.0, dtype=dtype), base[2:5], base[:, :1][:1], base[1], torch.empty(0, 3, dtype=dtype).t()]
    tensors = [torch.nn.Parameter(base), *odd, torch.randn(7, dtype=dtype).requires_grad_()]
    assert list(addresses_of(tensors, dtype)) == [tensor.data_ptr() for tensor in tensors]


REFUSED = {
    "turned": torch.randn(3, 4).t(),
    "every second": torch.randn(8)[::2],
    "spread": torch.randn(1, 4).expand(3, 4),
    "double": torch.randn(3).double(),
    "half": torch.randn(3).half(),
    "bfloat16": torch.randn(3).bfloat16(),
    "whole numbers of the same width": torch.ones(3, dtype=torch.int32),
    "complex": torch.randn(3, dtype=torch.complex64),
    "sparse": torch.eye(3).to_sparse(),
    "without memory": torch.empty(3, device="meta"),
    "of another class": torch.Tensor._make_subclass(type("Own", (Tensor,), {}), torch.randn(3)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_tensor_of_another_kind_refuses_all(name):
    odd, plain = REFUSED[name], torch.randn(3)
    for tensors in ([plain, odd, plain], [odd, plain], [plain, odd]):
        assert addresses_of(tensors, torch.float32) is None

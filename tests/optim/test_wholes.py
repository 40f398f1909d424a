"""What a body asks of a whole tensor is the same where the tensor comes in pieces."""

from __future__ import annotations

import pytest
import torch

from steepest import optim
from steepest.optim import tensors
from steepest.optim.wholes import NotKnownYet, Sums, norm, size, total


def body(x: torch.Tensor) -> torch.Tensor:
    """Two sums, the second of which needs the first, and the size."""
    centred = x - total(x) / size(x)
    return centred / norm(centred)


def test_a_body_finds_in_pieces_what_it_finds_in_the_whole_tensor():
    x = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pieces, sums = x.split(2, 1), Sums(35)
    for _ in range(2):
        for piece in pieces:
            with sums.growing():
                body(piece)
        sums.close()
    found = []
    for piece in pieces:
        with sums.known():
            found.append(body(piece))
    true = (x - x.mean((1, 2), keepdim=True)) / (x - x.mean((1, 2), keepdim=True)).square().sum((1, 2), True).sqrt()
    torch.testing.assert_close(torch.cat(found, 1), true, rtol=1e-13, atol=0)


def test_a_sum_that_has_not_been_added_up_is_not_taken_for_that_of_a_piece():
    with pytest.raises(NotKnownYet), Sums(4).known():
        total(torch.ones(1, 2))
    assert total(torch.ones(1, 2)).item() == 2 and size(torch.ones(1, 2)) == 2  # nothing is left behind


def test_prodigy_in_small_blocks_ends_where_it_does_in_one(monkeypatch):
    ends = []
    for most in (2**19, 256):
        monkeypatch.setattr(tensors, "BLOCK_BYTES", most)
        draw = torch.Generator().manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(s, generator=draw, dtype=torch.float64)) for s in ((20, 30), (7,), ())]
        optimizer = optim.Prodigy(params, weight_decay=0.1)
        for _ in range(20):
            for param in params:
                param.grad = 2 * param.detach() + torch.randn(param.shape, generator=draw, dtype=torch.float64)
            optimizer.step()
        ends.append([param.detach() for param in params])
    for one, other in zip(*ends):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("rule", ["LAMB", "LARS", "MARS"])
def test_rules_of_norms_in_small_blocks_end_where_they_do_in_whole_tensors(rule, dtype, monkeypatch):
    ends, seen = [], []
    found = tensors._found
    monkeypatch.setattr(
        tensors, "_found", lambda rule, cell, *more: seen.append(cell.grad.nbytes) or found(rule, cell, *more)
    )
    for most in (2**19, 256):
        monkeypatch.setattr(tensors, "BLOCK_BYTES", most)
        draw = torch.Generator().manual_seed(0)
        params = [torch.nn.Parameter(torch.randn(s, generator=draw).to(dtype)) for s in ((20, 30), (7,), ())]
        optimizer = getattr(optim, rule)(params, lr=0.1, weight_decay=0.1, foreach=False)  # no compiled step
        for _ in range(5):
            for param in params:
                param.grad = torch.randn(param.shape, generator=draw).to(dtype)
            optimizer.step()
        ends.append([*params, *(own for param in params for own in optimizer.state[param].values())])
        wide = 2 if dtype is torch.bfloat16 else 1
        assert max(seen) == 600 * dtype.itemsize * wide if most > 256 else max(seen) <= 256 * wide
        seen.clear()
    for one, other in zip(*ends):
        torch.testing.assert_close(one, other, rtol=1e-11 if dtype is torch.float64 else 0.01, atol=1e-12)

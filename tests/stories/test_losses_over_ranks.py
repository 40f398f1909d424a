"""Data-parallel training on uneven shares of a batch, with weights, has the gradient of the whole batch, not a mean of means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from steepest import losses

SCRIPT = Path(__file__).with_name("two_ranks.py")


@pytest.mark.slow
def test_two_ranks_have_the_gradient_of_one_for_every_loss(tmp_path):
    """Two processes start torch: some ten seconds, for the one place where parts meet a real all_reduce and a real DDP."""
    ranks = [
        subprocess.Popen([sys.executable, SCRIPT, str(rank), tmp_path], stderr=subprocess.PIPE, text=True) for rank in (0, 1)
    ]
    for process in ranks:
        _, error = process.communicate(timeout=300)
        assert process.returncode == 0, error[-2000:]
    found = [torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1)]
    assert len(found[0]) > 60 and {"cross_entropy", "mse", "zlpr", "dice", "ctc", "coral", "listnet", "giou"} <= set(found[0])
    for rank in found:
        for name, (shared, alone) in rank.items():
            torch.testing.assert_close(shared, alone, rtol=1e-12, atol=1e-13, msg=lambda text, name=name: f"{name}: {text}")
        assert sum(bool(alone.any()) for _, alone in rank.values()) > 60


def test_a_mean_of_the_ranks_means_is_another_number():
    x, y = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 1, 1])
    weight = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25, 0.0], dtype=torch.float64)
    shares = (slice(0, 2), slice(2, 6))
    whole = losses.cross_entropy(x, y, weight=weight)
    parts = [losses.cross_entropy.parts(x[s], y[s], weight=weight[s]) for s in shares]
    torch.testing.assert_close(sum(n for n, _ in parts) / sum(d for _, d in parts), whole)
    means = sum(losses.cross_entropy(x[s], y[s], weight=weight[s]) for s in shares) / 2
    assert abs(means - whole) > 0.05

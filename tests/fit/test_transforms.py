"""An optimizer named with transforms runs in fit as it does in the loop by hand."""

from __future__ import annotations

import pytest
import torch
from test_fit import by_hand, equal, net
from torch import nn

from steepest import optim
from steepest.core.errors import UnknownName, UsageError
from steepest.fit import fit


@pytest.fixture
def xy():
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(120, 6, generator=draw)
    return x, (x @ torch.randn(6, 3, generator=draw)).argmax(1)


def test_a_name_with_transforms_is_the_optimizer_with_them(xy):
    ours, theirs = net(), net()
    plan = {"loss": nn.CrossEntropyLoss(), "epochs": 2, "batch_size": 32, "seed": 3, "progress": False, "schedule": None}
    fit(ours, xy, optimizer="adamw(lr=0.01) + clip_norm(0.1) + cautious", **plan)
    optimizer = optim.AdamW(theirs.parameters(), lr=0.01, transforms="clip_norm(0.1) + cautious")
    by_hand(theirs, *xy, optimizer, nn.CrossEntropyLoss(), 2, 32, 3)
    assert equal(ours, theirs)


def test_what_cannot_run_in_fit_says_so(xy):
    with pytest.raises(UsageError, match="closure"):
        fit(net(), xy, loss="cross_entropy", optimizer="adamw + sam", epochs=1, progress=False)
    with pytest.raises(UnknownName, match="clip_norm"):
        fit(net(), xy, loss="cross_entropy", optimizer="adamw + clip_nrm", epochs=1, progress=False)

"""An optimizer named with transforms runs in fit as it does in the loop by hand."""

from __future__ import annotations

import pytest
import torch
from test_fit import by_hand, equal, net
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from steepest import optim
from steepest.core.errors import UnknownName, UsageError
from steepest.fit import fit

PLAN = {"loss": nn.CrossEntropyLoss(), "epochs": 2, "batch_size": 32, "seed": 3, "progress": False, "schedule": None}


@pytest.fixture
def xy():
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(120, 6, generator=draw)
    return x, (x @ torch.randn(6, 3, generator=draw)).argmax(1)


def test_a_name_with_transforms_is_the_optimizer_with_them(xy):
    ours, theirs = net(), net()
    fit(ours, xy, optimizer="adamw(lr=0.01) + clip_norm(0.1) + cautious", **PLAN)
    optimizer = optim.AdamW(theirs.parameters(), lr=0.01, transforms="clip_norm(0.1) + cautious")
    by_hand(theirs, *xy, optimizer, nn.CrossEntropyLoss(), 2, 32, 3)
    assert equal(ours, theirs)


@pytest.mark.parametrize("name", ["ema", "swa"])
def test_the_model_ends_with_the_averaged_weights(name, xy):
    """Against torch's own AveragedModel, fed by the same steps."""
    ours, theirs = net(), net()
    words = {"ema": "ema(0.9)", "swa": "swa"}[name]
    history = fit(ours, xy, optimizer=f"sgd(lr=0.05) + {words}", **PLAN)
    mean = get_ema_multi_avg_fn(0.9) if name == "ema" else None
    averaged = AveragedModel(theirs, multi_avg_fn=mean)
    optimizer = optim.SGD(theirs.parameters(), lr=0.05)
    optimizer.register_step_post_hook(lambda *_: averaged.update_parameters(theirs))
    by_hand(theirs, *xy, optimizer, nn.CrossEntropyLoss(), 2, 32, 3)
    assert not equal(ours, theirs)
    for found, expected in zip(ours.parameters(), averaged.module.parameters()):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert history.holds


def test_what_cannot_run_in_fit_says_so(xy):
    with pytest.raises(UsageError, match="closure"):
        fit(net(), xy, loss="cross_entropy", optimizer="adamw + sam", epochs=1, progress=False)
    with pytest.raises(UnknownName, match="clip_norm"):
        fit(net(), xy, loss="cross_entropy", optimizer="adamw + clip_nrm", epochs=1, progress=False)

"""A plateau behind a schedule falls when torch's own scheduler does, and a run that died goes on with the same rate."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from steepest import optim
from steepest.core.errors import UsageError
from steepest.fit import fit

STEPS = 4  # of an epoch


class Dead(Exception):
    """The process is gone."""


@pytest.fixture(scope="module")
def xy():
    draw = torch.Generator().manual_seed(5)
    return torch.randn(160, 4, generator=draw), torch.randint(0, 3, (160,), generator=draw)  # nothing to learn


def run(xy, schedule, dies_at=None, **options):
    torch.manual_seed(0)
    model, rates = nn.Linear(4, 3), []

    def look(event):
        if event.kind == "step":
            rates.append(event.numbers["learning_rate"])
            if event.step == dies_at:
                raise Dead

    asked = {"loss": "cross_entropy", "optimizer": "sgd(lr=0.5)", "epochs": 9, "batch_size": 32, "progress": False}
    validation = (xy[0][:32], xy[1][:32])
    rows = (xy[0][32:], xy[1][32:])
    try:
        history = fit(model, rows, schedule=schedule, validation=validation, callbacks=look, **asked, **options)
    except Dead:
        return None, rates
    return history, rates


@pytest.mark.parametrize(("monitor", "mode"), [("loss", "min"), ("accuracy", "max")])
def test_the_rate_falls_when_torchs_scheduler_lets_it_fall(xy, monitor, mode):
    history, rates = run(xy, "linear + plateau(patience=1, factor=0.5)", metrics="accuracy", monitor=monitor)
    torchs = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = ReduceLROnPlateau(torchs, mode, factor=0.5, patience=1, eps=0)
    expected = []
    for epoch, row in enumerate(history.rows):
        steps = torch.arange(epoch * STEPS, (epoch + 1) * STEPS)
        expected += (optim.schedules.linear(steps, 9 * STEPS) * 0.5 * torchs.param_groups[0]["lr"]).tolist()
        scheduler.step(row[f"val_{monitor}"])
    assert torchs.param_groups[0]["lr"] < 1.0  # it has fallen: the test sees something
    assert rates == pytest.approx(expected, rel=1e-12)


def test_a_run_that_died_after_a_fall_goes_on_with_the_same_rates(xy, tmp_path):
    whole, rates = run(xy, "plateau(patience=0)", out=tmp_path / "whole")
    fallen = next(i for i, rate in enumerate(rates) if rate < 0.5)
    run(xy, "plateau(patience=0)", out=tmp_path / "torn", dies_at=fallen + 2, checkpoint_s=0.0)
    again, _ = run(xy, "plateau(patience=0)", out=tmp_path / "torn")
    assert [row["learning_rate"] for row in again.rows] == [row["learning_rate"] for row in whole.rows]
    assert all(torch.equal(a, b) for a, b in zip(again.model.parameters(), whole.model.parameters()))


@pytest.mark.parametrize(
    ("schedule", "options", "says"),
    [
        ("plateau", {"validation": None}, "no validation"),
        ("plateau(best='max')", {}, "Leave best out"),
        ("plateau + cosine", {}, "at most a plateau behind it"),
        ("cosine + plateau(patients=2)", {}, "patients"),
    ],
)
def test_what_makes_no_sense_is_refused(xy, schedule, options, says):
    words = {"validation": 0.2, "loss": "cross_entropy", "progress": False, **options}
    with pytest.raises(UsageError, match=says):
        fit(nn.Linear(4, 3), xy, schedule=schedule, **words)

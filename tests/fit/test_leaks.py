"""What rows give away before training is told in the history, and nothing is told of data that are sound."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import steepest
from steepest.fit import History

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(300, 4, generator=DRAW)
Y = (X.sum(1) + torch.randn(300, generator=DRAW) > 0).long()
NUMBERS = X.sum(1, keepdim=True) + torch.randn(300, 1, generator=DRAW)
COINS = torch.randint(0, 2, (300, 4), generator=DRAW).float()
IMAGES = torch.randn(300, 1, 12, 12, generator=DRAW)


def notes(x, y, validation=0.25, n_outputs=2, **options):
    model = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), n_outputs))
    asked = {"loss": "cross_entropy", "epochs": 1, "progress": False, "device": "cpu"} | options
    return " ".join(steepest.fit(model, (x, y), validation=validation, **asked).notes)


SOUND = {
    "numbers and classes": (X, Y),
    "coins, whose rows are alike by chance": (COINS, Y),
    "images": (IMAGES, Y),
    "a column that goes with the class in all rows but one": (
        torch.cat([X, (Y ^ (torch.arange(300) == 7))[:, None].float()], 1),
        Y,
    ),
    "a column of one value": (torch.cat([X, torch.ones(300, 1)], 1), Y),
}


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_told_of_sound_data(name):
    assert notes(*SOUND[name]) == ""


@pytest.mark.parametrize(("x", "y"), [(X, Y), (IMAGES, Y)], ids=["table", "images"])
def test_rows_that_are_trained_on_and_validated_with_are_counted(x, y):
    other = torch.randn(50, *x.shape[1:], generator=DRAW)
    aside = torch.cat([other, x[[3, 200]]]), torch.cat([y[:50], y[[3, 200]]])
    assert "2 of the 52 validation rows are also trained on" in notes(x, y, validation=aside)


def test_rows_that_were_repeated_before_the_split_are_counted():
    told = notes(X.repeat(4, 1), Y.repeat(4))
    assert "validation rows are also trained on" in told


def test_a_column_that_is_the_class_is_named():
    assert "Column 2 " in notes(torch.cat([X[:, :2], 7.0 - 3 * Y[:, None], X], 1), Y)


def test_a_column_that_is_the_number_on_another_scale_is_named():
    x = torch.cat([X, NUMBERS * 3e4 - 5e6], 1)
    assert "Column 4 " in notes(x, NUMBERS, n_outputs=1, loss="mse")


def test_what_is_not_to_be_checked_is_not_told():
    assert notes(torch.cat([X, Y[:, None].float()], 1), Y, check=False) == ""


@pytest.mark.parametrize(("losses", "is_told"), [([2.0, 1e18], True), ([2.0, 1.0], False), ([2.0, 19.0], False)])
def test_a_run_that_comes_apart_without_becoming_nan_says_so(losses, is_told):
    history = History([{"epoch": i + 1, "loss": loss} for i, loss in enumerate(losses)], stopped="finished")
    assert ("rose from 2 to 1e+18: it diverged" in repr(history)) == is_told

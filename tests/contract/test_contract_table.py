"""The contract table: our losses hold in every cell, and each probe can tell a loss that does not."""

from __future__ import annotations

import pytest
import torch

from steepest import losses
from tools import contract_table as tool

QUICK = [column for column in tool.PROBES if column != "compile"]
SOME = ["mse", "cross_entropy", "bce_with_logits"]


def marks(subject, columns=QUICK) -> dict[str, str]:
    return {column: tool.measure(subject, tool.PROBES[column]).mark for column in columns}


@pytest.mark.parametrize("name", SOME)
def test_every_cell_of_ours_holds(name):
    assert set(marks(tool.ours(losses[name])).values()) <= {"ok", ""}


def test_the_cells_that_mean_nothing_for_a_loss_stay_empty():
    assert {column for column, mark in marks(tool.ours(losses.mse)).items() if mark == ""} == {
        "class weight",
        "smoothing",
        "soft",
        "hyper/trial",
    }
    assert {column for column, mark in marks(tool.ours(losses.focal)).items() if mark == ""} == set()


def test_torch_is_scored_on_what_it_offers():
    found = marks(tool.of_modules("torch.nn", "CrossEntropyLoss", losses.cross_entropy))
    assert found["ignore"] == found["class weight"] == found["vmap"] == "ok"
    assert found["weight"] == found["mask"] == found["sample"] == "--"
    assert found["soft"] == "NO"  # a mean over N with class weights, where hard labels divide by the weights
    assert found["empty"] == "NO"  # NaN
    huber = marks(tool.of_modules("torch.nn", "HuberLoss", losses.huber), ["hyper/trial", "half", "mean"])
    assert huber == {"hyper/trial": "NO", "half": "NO", "mean": "ok"}


def test_keras_rules_are_scored_as_they_are_documented():
    found = marks(tool.keras_rules(losses.mse))
    assert found["weight"] == found["mask"] == found["empty"] == "ok"
    assert found["NaN masked"] == "NO" and found["ignore"] == "--"


# Each breaks one rule of the contract, and nothing else needs to be said: the probe of that rule must see it.
def instead(reduction: str, other: str):
    """The loss with one reduction that gives another."""

    def broken(f):
        def call(x, y, **options):
            asked = options.pop("reduction", "mean")
            return f(x, y, reduction=other if asked == reduction else asked, **options)

        return call

    return broken


BROKEN = {
    "weight": lambda f: lambda x, y, weight=None, **o: f(x, y, weight=None if weight is None else weight.sqrt(), **o),
    "mask": lambda f: lambda x, y, mask=None, **o: f(x, y, **o),
    "ignore": lambda f: lambda x, y, ignore_index=None, **o: f(x, y.clamp(min=0), **o),
    "class weight": lambda f: lambda x, y, **o: f(x, y, **{"normalize": "count", **o}),
    "smoothing": lambda f: lambda x, y, label_smoothing=0.0, **o: f(x, y, label_smoothing=label_smoothing / 2, **o),
    "soft": lambda f: lambda x, y, **o: f(x, y, **({"normalize": "count"} if y.is_floating_point() else {}), **o),
    "none": instead("none", "mean"),
    "mean": instead("mean", "sum"),
    "sum": instead("sum", "mean"),
    "sample": instead("sample", "mean"),
    "batchmean": instead("batchmean", "sum"),
    "empty": lambda f: lambda x, y, **o: f(x, y, **{"empty": "nan", **o}),
    "NaN masked": lambda f: lambda x, y, mask=1, weight=1, **o: (f(x, y, reduction="none", **o) * mask * weight).sum(),
    "vmap": lambda f: lambda x, y, **o: f(x, y, **o) * (2 if float(x.sum()) > 1e9 else 1),
    "hyper/trial": lambda f: lambda x, y, gamma=2.0, **o: f(x, y, gamma=float(gamma), **o),
    "jvp": lambda f: lambda x, y, **o: f(x, y, **o) + 0 * Silent.apply(x).sum(),
    "compile": lambda f: lambda x, y, **o: f(x, y, **o) * (2 if x.sum().item() > 1e9 else 1),
    "half": lambda f: lambda x, y, **o: f(x, y, **o).to(x.dtype),
    "determin.": lambda f: lambda x, y, **o: f(x, y, **o) + torch.rand(()) * 1e-3,
}


class Silent(torch.autograd.Function):
    """Has no forward derivative."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


@pytest.mark.parametrize("column", list(tool.PROBES))
def test_a_loss_that_breaks_a_rule_is_found_by_its_probe(column):
    sound = tool.ours(losses.focal)
    broken = tool.Subject("broken", losses.focal, BROKEN[column](sound.call), is_ours=True)
    assert tool.measure(broken, tool.PROBES[column]).mark == "NO"
    if column != "compile":
        assert tool.measure(sound, tool.PROBES[column]).mark == "ok"


def test_the_command_prints_the_table_and_fails_with_a_broken_loss(capsys, monkeypatch):
    assert tool.main(["--only", "huber", "--skip", "compile"]) == 0
    shown = capsys.readouterr().out
    assert "torch.nn.HuberLoss" in shown and "Steepest: 15 of 15 hold" in shown
    monkeypatch.setitem(tool.PROBES, "mask", lambda subject: False)
    assert tool.main(["--only", "huber", "--skip", "compile"]) == 1
    assert "huber, mask: the values differ" in capsys.readouterr().out

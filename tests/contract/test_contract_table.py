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


@pytest.mark.slow  # what `make contract-table` prints, compiled functions too: half a minute
def test_every_cell_of_every_loss_holds():
    ours = [subject for subject in tool.subjects() if subject.is_ours]
    rows = tool.table(ours, list(tool.PROBES))
    assert [(name, c) for name, cells in rows.items() for c, cell in cells.items() if cell.mark in ("NO", "--")] == []


def test_the_cells_that_mean_nothing_for_a_loss_stay_empty():
    assert {column for column, mark in marks(tool.ours(losses.mse)).items() if mark == ""} == {
        "class weight",
        "smoothing",
        "soft",
        "labels",
        "from_probs",
        "hyper/trial",
    }
    assert {column for column, mark in marks(tool.ours(losses.focal)).items() if mark == ""} == set()
    assert {"parts", "labels", "from_probs"} == {
        column for column in tool.PROBES if marks(tool.ours(losses.triplet), [column])[column] == ""
    } & {"parts", "labels", "from_probs", "shapes", "normalize"}


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
    assert marks(tool.keras_rules(losses.cross_entropy), ["ignore", "class weight"]) == {
        "ignore": "ok",
        "class weight": "--",
    }
    read = tool.table([tool.keras_rules(losses.mse)], ["weight", "half"])
    assert [cell.mark for cell in read["keras rules, MeanSquaredError"].values()] == ["ok", ""]


@pytest.mark.parametrize("name", list(tool.TORCHVISION))
def test_the_functions_of_torchvision_are_scored_on_what_they_offer(name):
    found = marks(tool.torchvision_ops(losses[name]))
    assert found["none"] == found["mean"] == found["sum"] == found["vmap"] == found["jvp"] == "ok"
    assert found["weight"] == found["mask"] == found["parts"] == found["sample"] == "--" and found["empty"] == "NO"


@pytest.mark.parametrize("name", list(tool.TORCHVISION))
def test_what_is_written_from_torchvisions_documentation_is_the_same_loss(name):
    (x, y), (_, other) = (tool.ours(losses[name]).batch(seed=seed) for seed in (0, 1))
    x, y = (x, y.round()) if name == "sigmoid_focal" else (other, y)  # boxes whose corners are in order
    theirs = tool.DOCUMENTED[name](x, y, reduction="mean")
    assert theirs.item() == pytest.approx(losses[name](x, y).item(), rel=1e-6)  # it adds 1e-7 to what it divides by


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
    "normalize": lambda f: lambda x, y, normalize="weight", **o: f(x, y, **o),
    "empty": lambda f: lambda x, y, **o: f(x, y, **{"empty": "nan", **o}),
    "NaN masked": lambda f: lambda x, y, mask=1, weight=1, **o: (f(x, y, reduction="none", **o) * mask * weight).sum(),
    "shapes": lambda f: lambda x, y, **o: f(x, y.flatten() if y.dim() == 2 and y.shape[1] == 1 else y, **o),
    "labels": lambda f: lambda x, y, **o: f(x, y if y.is_floating_point() else y.clamp(max=x.shape[1] - 1), **o),
    "from_probs": lambda f: lambda x, y, from_probs=False, **o: f(x, y, **o),
    "vmap": lambda f: lambda x, y, **o: f(x, y, **o) * (2 if float(x.sum()) > 1e9 else 1),
    "hyper/trial": lambda f: lambda x, y, gamma=2.0, **o: f(x, y, gamma=float(gamma), **o),
    "jvp": lambda f: lambda x, y, **o: f(x, y, **o) + 0 * Silent.apply(x).sum(),
    "jacrev": lambda f: lambda x, y, **o: f(x, y, **o) + 0 * OldStyle.apply(x).sum(),
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


class OldStyle(torch.autograd.Function):
    """Is refused by torch.func."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def only_numerators(x, y, **options):
    """As if the denominator were no matter."""
    numerator, denominator = losses.focal.parts(x, y, **options)
    return numerator / denominator, torch.ones_like(denominator)


@pytest.mark.parametrize("column", list(tool.PROBES))
def test_a_loss_that_breaks_a_rule_is_found_by_its_probe(column):
    sound = tool.ours(losses.focal)
    call = BROKEN[column](sound.call) if column != "parts" else sound.call
    broken = tool.Subject("broken", losses.focal, call, is_ours=True, parts=only_numerators)
    assert tool.measure(broken, tool.PROBES[column]).mark == "NO"
    if column != "compile":
        assert tool.measure(sound, tool.PROBES[column]).mark == "ok"


def test_the_command_prints_the_table_and_fails_with_a_broken_loss(capsys, monkeypatch):
    assert tool.main(["--only", "huber", "--skip", "compile"]) == 0
    shown = capsys.readouterr().out
    assert "torch.nn.HuberLoss" in shown and "Steepest: 19 of 19 hold" in shown
    monkeypatch.setitem(tool.PROBES, "mask", lambda subject: False)
    assert tool.main(["--only", "huber", "--skip", "compile"]) == 1
    assert "huber, mask: the values differ" in capsys.readouterr().out

"""What st.fit(..., out=FOLDER) leaves: a model that is read back with the same answers, by Python and by the command."""

from __future__ import annotations

import json
import sys

import numpy
import pandas
import pytest
import torch
from sklearn.datasets import load_wine
from torch import nn
from typer.testing import CliRunner

import steepest
from steepest import losses
from steepest.cli import app
from steepest.core.errors import ModelError, StoreError
from steepest.fit.trained import load_trained

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(80, 3, generator=DRAW)
Y = X.argmax(1)
SILENT = {"epochs": 2, "progress": False, "device": "cpu"}


class Fixed(nn.Module):
    """Found again by its name: it lies in a module, and asks for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(x)


class Turned(Fixed):
    """Cannot be made again by its name alone: what `turn` was is nowhere in the weights."""

    def __init__(self, turn: float = 1.0) -> None:
        super().__init__()
        self.turn = turn

    def forward(self, x):
        return self.turn * self.layer(x)


@pytest.fixture
def wine(tmp_path):
    table = load_wine(as_frame=True).frame.iloc[:, -6:]
    table.to_csv(tmp_path / "wine.csv", index=False)
    return f"{tmp_path}/wine.csv:target"


def judged(folder, data, *more):
    done = CliRunner().invoke(app, ["evaluate", str(folder), "--data", data, "--format", "json", *more])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.mark.parametrize("validation", [None, 0.25])
def test_the_folder_of_a_model_by_name_is_judged_by_the_command_and_by_python(wine, tmp_path, validation):
    out = tmp_path / "run"
    asked = SILENT | {"validation": validation, "standardise": True, "epochs": 8, "loss": losses.Focal(gamma=1.5)}
    history = steepest.fit("mlp", wine, out=out, **asked)
    assert {p.name for p in out.iterdir()} == {"checkpoints", "history.csv", "model.safetensors"}
    assert list(pandas.read_csv(out / "history.csv")["loss"]) == history["loss"]
    found = judged(out, wine)
    by_python = steepest.evaluate(out, wine)
    assert found["n"] == (178 if validation is None else 44) and by_python.found.n == 178
    assert by_python["accuracy"].value > 0.8 and by_python.found.loss == "focal"


def test_a_part_of_the_classes_keeps_the_numbers_of_training(wine, tmp_path):
    """Classes 1 and 2 of 0, 1, 2 are not 0 and 1."""
    steepest.fit("mlp", wine, out=tmp_path / "run", standardise=True, **SILENT | {"epochs": 30})
    table = pandas.read_csv(wine.rpartition(":")[0])
    table[table["target"] > 0].to_csv(tmp_path / "part.csv", index=False)
    found = judged(tmp_path / "run", f"{tmp_path}/part.csv:target", "--metrics", "accuracy")
    assert found["numbers"][0]["value"] > 0.9


def answers(model):
    with torch.no_grad():
        return model.eval()(X)


@pytest.mark.parametrize("make", [Fixed, lambda: nn.Linear(3, 3)], ids=["a class of a module", "a layer of torch"])
def test_an_object_that_its_class_makes_again_is_read_without_a_word(tmp_path, make):
    model = make()
    steepest.fit(model, (X, Y), loss="cross_entropy", out=tmp_path, **SILENT)
    if isinstance(model, Fixed):
        assert torch.equal(answers(load_trained(tmp_path).model), answers(model))
        assert steepest.evaluate(tmp_path, (X, Y))["accuracy"].value == float(
            (answers(model).argmax(1) == Y).double().mean()
        )
    else:
        with pytest.raises(ModelError, match="--model file.py:Net"):
            load_trained(tmp_path)


@pytest.mark.parametrize("turn", [1.0, -2.0])
def test_a_class_that_makes_another_model_of_the_same_weights_is_not_trusted(tmp_path, turn):
    model = Turned(turn)
    steepest.fit(model, (X, Y), loss="cross_entropy", out=tmp_path, **SILENT)
    if turn == 1.0:
        assert torch.equal(answers(load_trained(tmp_path).model), answers(model))
        return
    with pytest.raises(ModelError, match="made in Python"):
        load_trained(tmp_path)
    assert torch.equal(answers(load_trained(tmp_path, lambda: Turned(turn)).model), answers(model))
    assert torch.equal(answers(load_trained(tmp_path, Turned(turn)).model), answers(model))


@pytest.mark.parametrize(
    ("loss", "gives", "from_logits"),
    [
        (nn.CrossEntropyLoss(), "logits", True),
        ("cross_entropy", "logits", True),
        (lambda o, y: (o**2).mean(), "values", None),
    ],
    ids=["torch's", "ours", "a function"],
)
def test_what_the_outputs_are_is_kept_with_or_without_a_name_of_the_loss(tmp_path, loss, gives, from_logits):
    steepest.fit(Fixed(), (X, Y), loss=loss, out=tmp_path, **SILENT)
    trained = load_trained(tmp_path)
    assert (trained.gives, trained.from_logits) == (gives, from_logits)


def test_numbers_come_back_in_their_own_unit_and_several_inputs_as_they_are(tmp_path):
    y = 1e4 + 50 * X.sum(1, keepdim=True)
    asked = SILENT | {"epochs": 60, "learning_rate": 0.03}
    data = X.numpy(), numpy.asarray(y)
    steepest.fit("linear", data, out=tmp_path / "a", standardise=True, **asked)
    assert torch.allclose(answers(load_trained(tmp_path / "a").model), y, atol=20)


def test_a_disk_that_is_full_costs_the_file_and_not_the_run(tmp_path, monkeypatch):
    def full(path, content):
        raise StoreError(where=str(path), seen="the disk is full", needed="space was needed", repair="Free some.")

    monkeypatch.setattr("steepest.fit.written.atomic_write", full)
    history = steepest.fit(Fixed(), (X, Y), loss="cross_entropy", out=tmp_path, **SILENT)
    assert history.stopped == "finished" and "No model.safetensors: the disk is full" in repr(history)


def test_every_flipped_byte_of_the_file_is_seen(tmp_path):
    steepest.fit(Fixed(), (X, Y), loss="cross_entropy", out=tmp_path, **SILENT)
    path = tmp_path / "model.safetensors"
    content = path.read_bytes()
    for place in range(0, len(content), 17):
        harmed = bytearray(content)
        harmed[place] ^= 0x15
        path.write_bytes(harmed)
        with pytest.raises(StoreError):
            load_trained(tmp_path)


def test_a_script_s_own_class_is_not_looked_for_by_running_the_script_again(tmp_path, monkeypatch):
    monkeypatch.setattr(Fixed, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Fixed", Fixed, raising=False)
    steepest.fit(Fixed(), (X, Y), loss="cross_entropy", out=tmp_path, **SILENT)
    with pytest.raises(ModelError, match="made in Python"):
        load_trained(tmp_path)

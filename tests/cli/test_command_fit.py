"""The commands fit and evaluate, as a user types them: what is printed, what lies in the folder, what is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy
import pandas
import pytest
import torch
from safetensors.torch import load_file
from sklearn.datasets import load_breast_cancer
from typer.testing import CliRunner

import steepest
from steepest.cli import app
from steepest.core.errors import StoreError
from steepest.data import load
from steepest.fit.trained import load_trained

runner = CliRunner()


def run(*words: str, code: int = 0) -> str:
    done = runner.invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """(folder, table to train on, table to judge on: other rows, shuffled columns, one column more)."""
    folder = tmp_path_factory.mktemp("tables")
    table = load_breast_cancer(as_frame=True).frame.iloc[:, -8:]
    table["target"] = table["target"].map({0: "malignant", 1: "benign"})
    other = table.iloc[400:].iloc[:, ::-1].assign(site=["x", "y"] * 84 + ["x"])
    table.iloc[:400].to_csv(folder / "train.csv", index=False)
    other.to_csv(folder / "test.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def trained(tables):
    run(
        "fit",
        "mlp",
        "--data",
        f"{tables}/train.csv:target",
        "--epochs",
        "4",
        "--loss",
        "focal(gamma=2)",
        "--out",
        f"{tables}/run",
    )
    return tables / "run"


# -- fit ---------------------------------------------------------------------------------------------------------------


def test_a_run_leaves_weights_history_and_checkpoints(trained):
    assert {p.name for p in trained.iterdir()} == {"checkpoints", "fit.json", "history.csv", "model.safetensors"}
    history = pandas.read_csv(trained / "history.csv")
    assert list(history["epoch"]) == [1, 2, 3, 4] and {"val_loss", "val_accuracy"} <= set(history.columns)
    assert load_file(trained / "model.safetensors")["1.weight"].shape == (64, 7)


def test_the_same_command_again_trains_nothing_and_ends_alike(trained, tables):
    before = (trained / "model.safetensors").read_bytes()
    run(
        "fit",
        "mlp",
        "--data",
        f"{tables}/train.csv:target",
        "--epochs",
        "4",
        "--loss",
        "focal(gamma=2)",
        "--out",
        str(trained),
    )
    run("fit", "--resume", str(trained))
    assert (trained / "model.safetensors").read_bytes() == before


def test_another_command_on_the_same_folder_is_refused(trained, tables):
    said = run("fit", "mlp", "--data", f"{tables}/train.csv:target", "--epochs", "5", "--out", str(trained), code=2)
    assert "epochs" in said or "loss" in said
    assert "another folder" in said


def test_nothing_to_train_on_or_to_resume_is_told(tmp_path):
    assert "--data" in run("fit", "mlp", code=2)
    assert "no whole fit.json" in run("fit", "--resume", str(tmp_path), code=2)
    assert "Did you mean" in run("fit", "mlp", "--data", "digits", "--loss", "focall", "--out", str(tmp_path), code=2)


@pytest.mark.slow  # a process of its own, and two runs long enough to be stopped
def test_ctrl_c_ends_with_130_and_the_run_goes_on_to_the_same_weights(tmp_path):
    words = ["fit", "mlp", "--data", "digits", "--epochs", "6", "--batch-size", "4"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    process = subprocess.Popen(
        [sys.executable, "-m", "steepest", *words, "--out", str(cut)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    while not any((cut / "checkpoints").glob("*.json")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert "steepest fit --resume" in told
    run("fit", "--resume", str(cut))
    run(*words, "--out", str(whole))
    a, b = (load_file(folder / "model.safetensors") for folder in (cut, whole))
    assert all(torch.equal(a[name], b[name]) for name in b)


# -- the file of a trained model ---------------------------------------------------------------------------------------


def test_a_loaded_model_takes_rows_in_their_own_units(trained, tables):
    model = load_trained(trained)
    data = load(f"{tables}/train.csv:target")
    with torch.no_grad():
        right = (model.model(data.x).argmax(1) == data.y).double().mean()
    assert right > 0.8 and not model.model.training and model.class_names == ("benign", "malignant")


def test_numbers_come_back_in_the_targets_own_unit(tmp_path):
    draw = numpy.random.default_rng(0)
    x = draw.normal(size=(300, 2))
    pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": 3e5 + 1e3 * x @ [1, 2]}).to_csv(tmp_path / "t.csv", index=False)
    run(
        "fit",
        "linear",
        "--data",
        f"{tmp_path}/t.csv:y",
        "--epochs",
        "30",
        "--learning-rate",
        "0.05",
        "--out",
        f"{tmp_path}/r",
    )
    model = load_trained(tmp_path / "r").model
    with torch.no_grad():
        assert model(torch.tensor([[1.0, 1.0]])).item() == pytest.approx(3e5 + 3e3, abs=200)
    found = json.loads(run("evaluate", f"{tmp_path}/r", "--data", f"{tmp_path}/t.csv:y", "--format", "json"))
    assert {n["name"]: n["value"] for n in found["numbers"]}["r2"] > 0.99


@pytest.mark.parametrize("harm", ["cut", "flipped", "foreign", "missing"])
def test_a_damaged_file_is_refused_and_nothing_is_unpickled(trained, tmp_path, harm):
    content = bytearray((trained / "model.safetensors").read_bytes())
    if harm == "flipped":
        content[-5] ^= 1
    path = tmp_path / "model.safetensors"
    if harm == "foreign":
        torch.save({"a": torch.ones(1)}, path)
    elif harm != "missing":
        path.write_bytes(content[: len(content) // 2] if harm == "cut" else content)
    with pytest.raises(StoreError):
        load_trained(tmp_path)


# -- evaluate ----------------------------------------------------------------------------------------------------------


def test_a_table_with_other_columns_and_orders_is_judged_by_those_of_training(trained, tables, tmp_path):
    page = tmp_path / "page.html"
    said = run("evaluate", str(trained), "--data", f"{tables}/test.csv:target", "--slices", "site", "--out", str(page))
    assert "169 rows" in said and "site = x" in said and "Threshold" in said and "mlp on test.csv" in said
    assert "Does sure mean right?" in page.read_text("utf-8")


def test_python_judges_a_folder_as_the_command_does(trained, tables):
    table = pandas.read_csv(tables / "test.csv")[[*load_trained(trained).feature_names, "target"]]
    table.to_csv(tables / "same.csv", index=False)
    found = steepest.evaluate(trained, f"{tables}/same.csv:target", metrics="accuracy")
    by_command = json.loads(run("evaluate", str(trained), "--data", f"{tables}/test.csv:target", "--format", "json"))
    assert found["accuracy"].value == by_command["numbers"][0]["value"] and found.found.loss == "focal"


def test_json_is_all_that_is_printed(trained, tables):
    found = json.loads(run("evaluate", str(trained), "--data", f"{tables}/test.csv:target", "--format", "json"))
    assert found["n"] == 169 and [row["name"] for row in found["classes"]] == ["benign", "malignant"]
    assert found["command"].startswith("steepest evaluate")
    model, data = load_trained(trained), load(f"{tables}/train.csv:target")
    assert model.read(data).y.equal(data.y)


def test_of_the_rows_of_training_only_those_set_aside_are_judged(trained, tables):
    found = json.loads(run("evaluate", str(trained), "--data", f"{tables}/train.csv:target", "--format", "json"))
    assert found["n"] == 80 and "set aside" in found["notes"][-1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="worst area"), "worst area"),
        (lambda t: t.assign(target=["odd"] * 100 + list(t["target"][100:])), "odd"),
        (lambda t: t.assign(target=numpy.arange(169.0) / 7), "labels"),
    ],
)
def test_data_that_do_not_fit_the_model_are_refused(trained, tables, tmp_path, change, words):
    change(pandas.read_csv(tables / "test.csv")).to_csv(tmp_path / "t.csv", index=False)
    assert words in run("evaluate", str(trained), "--data", f"{tmp_path}/t.csv:target", code=2)


def test_unknown_columns_formats_and_folders_are_refused(trained, tables, tmp_path):
    data = f"{tables}/test.csv:target"
    assert "no column 'sight'" in run("evaluate", str(trained), "--data", data, "--slices", "sight", code=2)
    assert "text or json" in run("evaluate", str(trained), "--data", data, "--format", "xml", code=2)
    assert "model.safetensors" in run("evaluate", str(tmp_path), "--data", data, code=2)


@pytest.mark.slow  # a whole small study
def test_the_winner_of_a_study_is_judged_by_its_folder(tmp_path):
    arms = ("--losses", "cross_entropy,focal", "--optimizers", "nadamw", "--budget", "4500epochs")
    run("compare", "linear", "--data", "wine", *arms, "--out", str(tmp_path / "study"))
    said = run("evaluate", str(tmp_path / "study"), "--data", "wine", "--out", str(tmp_path / "page.html"))
    assert "linear on wine: 178 rows" in said and "trained on most of these very rows" in said and "class_2" in said

"""The commands fit and evaluate and bad inputs: exit code 2 and one message with the repair, or the run to its end."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy
import pandas
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from steepest.cli import app
from steepest.results.lock import FolderLock

runner = CliRunner()
NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.layer = nn.Linear(n_features, n_outputs)
    def forward(self, x):
        return self.layer(x)

class Bare(nn.Module):
    def forward(self, x):
        return x

class Frozen(Net):
    def __init__(self, n_features, n_outputs):
        super().__init__(n_features, n_outputs)
        self.requires_grad_(False)

class Two(Net):
    def forward(self, x):
        return self.layer(x), x

class Number(Net):
    def forward(self, x):
        return 3.0

class One(Net):
    def __init__(self, n_features):
        super().__init__(n_features, 1)

class Hungry(Net):
    def forward(self, x):
        torch.empty(2**60 if self.training else 0)
        return self.layer(x)

class Normed(nn.Sequential):
    def __init__(self, n_features, n_outputs):
        super().__init__(nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.Linear(8, n_outputs))
"""


def a_table() -> pandas.DataFrame:
    draw = numpy.random.default_rng(0)
    table = pandas.DataFrame(draw.normal(size=(60, 2)).round(3), columns=["a", "b"])
    return table.assign(won=(table["a"] > table["b"]).astype(int))


def cell(value: object) -> pandas.DataFrame:
    table = a_table().astype(object)
    table.loc[3, "a"] = value
    return table


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A desk with a table and a run on it."""
    desk = tmp_path_factory.mktemp("desk")
    a_table().to_csv(desk / "t.csv", index=False)
    (desk / "nets.py").write_text(NETS)
    before = Path.cwd()
    os.chdir(desk)
    try:
        assert runner.invoke(app, fit(out="run")).exit_code == 0
    finally:
        os.chdir(before)
    return desk


@pytest.fixture
def desk(trained, tmp_path, monkeypatch) -> Path:
    """A copy of that desk, to work on."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fit(*more: str, model: str = "linear", data: str = "t.csv:won", out: str = "new") -> list[str]:
    return ["fit", model, "--data", data, "--epochs", "2", "--out", out, *more]


def judge(*more: str, data: str = "t.csv:won") -> list[str]:
    return ["evaluate", "run", "--data", data, *more]


def both(table: pandas.DataFrame) -> tuple[pandas.DataFrame, list[str], list[str]]:
    return table, fit(data="bad.csv:won"), judge(data="bad.csv:won")


TABLES = {
    "06 no rows": (*both(a_table()[:0]), "header and no rows"),
    "22 a word in place of a number": (*both(cell("abc")), "the first 'abc' in row 3"),
    "26 a missing cell": (*both(cell(None)), "'a' has 1 (first in row 3)"),
    "27 a missing target": (*both(a_table().assign(won=[None, *a_table()["won"][1:]])), "first in row 0"),
    "28 an infinite cell": (*both(cell("inf")), "inf in row 3"),
    "30 numbers beyond float32": (*both(cell(1e39)), "what float32 holds"),
    "48 one row": (*both(a_table()[:1]), "at least two classes"),
    "49 one class only": (*both(a_table().assign(won=1)), "at least two classes"),
    "47 an empty file": (None, fit(data="bad.csv:won"), judge(data="bad.csv:won"), "it is empty"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_used_is_refused_by_both_commands(desk, name):
    table, *commands, words = TABLES[name]
    (desk / "bad.csv").write_text("" if table is None else table.to_csv(index=False))
    for command in commands:
        refused(command, words)


def refused(command: list[str], words: str) -> None:
    done = runner.invoke(app, command)
    assert done.exit_code == 2, done.output
    assert done.stdout == "" and done.stderr.startswith("Error: ") and "Traceback" not in done.stderr
    assert words in done.stderr and len(done.stderr.splitlines()) > 1


REFUSED = {
    "07 one output under cross-entropy": (fit(model="nets.py:One"), "L03"),
    "21 a device that is not there": (fit("--device", "gpu"), 'device="cpu"'),
    "37 a class that training did not have": (judge(data="three.csv:won"), "the classes of training were needed: 0, 1"),
    "37 a class that only the validation has": (fit("--validation", "three.csv:won"), "were needed: 0, 1"),
    "41 a hyperparameter outside its domain": (fit("--loss", "focal(gamma=-1)"), "a number >= 0"),
    "63 a negative learning rate": (fit("--learning-rate", "-1"), "lr is -1.0"),
    "63 a learning rate that is NaN": (fit("--learning-rate", "nan"), "lr is nan"),
    "64 a model without parameters": (fit(model="nets.py:Bare"), "no parameters"),
    "65 all parameters frozen": (fit(model="nets.py:Frozen"), "no parameter is trainable"),
    "68 two outputs": (fit(model="nets.py:Two"), "gives a tuple"),
    "71 a number in place of a tensor": (fit(model="nets.py:Number"), "gives a float"),
    "76 a folder below a file": (fit(out="t.csv/new"), "nothing can be written there"),
    "76 a folder that is a file": (fit(out="t.csv"), "nothing can be written there"),
    "76 a folder where nothing can be made": (fit(out="/proc/new"), "nothing can be written there"),
    "76 a page below a file": (judge("--out", "t.csv/page.html"), "something else has this name"),
    "76 a page that is a folder": (judge("--out", "."), "something else has this name"),
    "76 a run that is not there": (["evaluate", "lost", "--data", "t.csv:won"], "cannot be read"),
    "80 a step that does not fit into memory": (fit(model="nets.py:Hungry"), "smaller batch_size"),
    "83 a name that is too long": (fit(out="x" * 300), "nothing can be written there"),
    "84 an option with code in it": (fit("--loss", "__import__('os').system('x')"), "cannot be read"),
    "a share of 1": (fit("--validation", "1"), "between 0 and 1"),
    "a share that is NaN": (fit("--validation", "nan"), "between 0 and 1"),
    "a share below 0": (fit("--validation", "-1"), "between 0 and 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_what_was_seen_and_the_repair(desk, name):
    a_table().assign(won=[0, 1, 2] * 20).to_csv(desk / "three.csv", index=False)
    refused(*REFUSED[name])


TRAINED = {
    "50 a class that only the training has": (lambda t: t, ("--validation", "part.csv:won")),
    "51 a constant column": (lambda t: t.assign(b=1), ()),
    "54 one positive among 3,000": (lambda t: pandas.concat([t] * 50).assign(won=[1] + [0] * 2999), ()),
    "56 a batch larger than the table": (lambda t: t, ("--batch-size", "100000")),
    "61 classes named in words": (lambda t: t.assign(won=t["won"].map({0: "ä", 1: "名😀"})), ()),
    "62 features of scale 1e9": (lambda t: t.assign(a=t["a"] * 1e9), ()),
    "63 a learning rate of 0": (lambda t: t, ("--learning-rate", "0")),
    "63 a learning rate of 1e10": (lambda t: t, ("--learning-rate", "1e10")),
    "83 columns and classes named in markup": (
        lambda t: t.rename(columns={"a": "<script>alert(1)</script>"}).assign(won=t["won"].map({0: "<b>", 1: '"&'})),
        (),
    ),
}


@pytest.mark.parametrize("name", TRAINED)
def test_trained_to_the_end_and_judged(desk, name):
    change, more = TRAINED[name]
    change(a_table()).to_csv(desk / "new.csv", index=False)
    three = a_table().assign(won=[0, 1, 2] * 20)
    three[three["won"] > 0].to_csv(desk / "part.csv", index=False)
    if name.startswith("50"):
        three.to_csv(desk / "new.csv", index=False)
    done = runner.invoke(app, fit(*more, data="new.csv:won"))
    assert done.exit_code == 0, done.output
    page = ["--out", "page.html"] if name.startswith("83") else []  # charts cost more than all the rest
    done = runner.invoke(app, ["evaluate", "new", "--data", "new.csv:won", "--format", "json", *page])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["n"] > 0
    assert not page or "<script>alert" not in (desk / "page.html").read_text("utf-8")


def test_52_53_a_leak_is_told_after_the_training(desk):
    leaky = pandas.concat([a_table()] * 4).assign(hint=lambda t: t["won"])
    leaky.to_csv(desk / "leaky.csv", index=False)
    told = runner.invoke(app, fit(data="leaky.csv:won")).stdout
    assert "validation rows are also trained on" in told and "Column 2 " in told


def test_55_a_last_batch_of_one_row_before_batchnorm(desk):
    a_table()[:33].to_csv(desk / "odd.csv", index=False)
    done = runner.invoke(app, fit("--validation", "0", "--batch-size", "8", model="nets.py:Normed", data="odd.csv:won"))
    assert done.exit_code == 0, done.output


def test_74_78_a_run_in_use_is_refused_with_its_owner(desk):
    lock = FolderLock(desk / "run" / "checkpoints", "run")
    try:
        refused(fit(out="run"), f"pid {os.getpid()}")
    finally:
        lock.release()


def test_75_a_full_disk_costs_the_files_and_the_command_says_so(desk, monkeypatch):
    from steepest.core.errors import StoreError

    def full(path, content):
        raise StoreError(where=str(path), seen="the disk is full", needed="space was needed", repair="Free some.")

    monkeypatch.setattr("steepest.fit.checkpoint.atomic_write", full)
    monkeypatch.setattr("steepest.fit.written.atomic_write", full)
    done = runner.invoke(app, fit())
    assert "No checkpoint at step" in done.stdout and "No model.safetensors" in done.stdout
    assert "Model: " not in done.stdout


HARMED = {
    "77 cut off": lambda content: content[: len(content) // 2],
    "77 of no length": lambda content: b"",
    "77 a flipped byte of a weight": lambda content: content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
    "77 a flipped byte of the facts": lambda content: content.replace(b"n_features", b"n_featurex"),
    "77 of a foreign program": lambda content: b"PK\x03\x04" + content,
    "77 a pickle": lambda content: b"cos\n_exit\n(I66\ntR.",
}


@pytest.mark.parametrize("name", HARMED)
def test_a_harmed_model_file_is_refused(desk, name):
    path = desk / "run" / "model.safetensors"
    path.write_bytes(HARMED[name](path.read_bytes()))
    refused(judge(), "model.safetensors")


def test_77_a_model_file_of_a_newer_version_is_refused_by_its_number(desk):
    from safetensors.torch import save

    from steepest.fit.trained import KEY, sealed_with

    path = desk / "run" / "model.safetensors"
    with safe_open(path, "pt") as opened:
        facts = json.loads(opened.metadata()[KEY].partition("\n")[2])
    tensors = load_file(path)
    save_file(tensors, path, {KEY: sealed_with(json.dumps({**facts, "format": 99}), save(tensors))})
    refused(judge(), "its format is 99")


def test_77_a_link_out_of_the_folder_is_read_as_the_file_that_it_is(desk, tmp_path_factory):
    path = desk / "run" / "model.safetensors"
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "m.safetensors"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert runner.invoke(app, judge()).exit_code == 0


@pytest.mark.parametrize("name", ["<script>", 'a "b" & c', "名😀", "new\nline", "\u202eevil"], ids=repr)
def test_83_any_name_of_a_folder_will_do_and_the_next_command_is_quoted(desk, name):
    done = runner.invoke(app, fit(out=name))
    assert done.exit_code == 0 and (desk / name / "model.safetensors").exists()


MEMORIES = {
    "84 NaN for a number": lambda text: text.replace('"epochs": 2', '"epochs": NaN'),
    "84 a key that stands twice": lambda text: text.replace('"epochs": 2', '"epochs": 2, "epochs": 3'),
    "84 a word for a number": lambda text: text.replace('"epochs": 2', '"epochs": "two"'),
    "84 brackets without an end": lambda text: "[" * 100_000,
    "84 YAML with an object in it": lambda text: "!!python/object/apply:os._exit [66]",
}


@pytest.mark.parametrize("name", MEMORIES)
def test_a_broken_memory_of_the_command_is_refused(desk, name):
    path = desk / "run" / "fit.json"
    path.write_text(MEMORIES[name](path.read_text()))
    refused(["fit", "--resume", "run"], "")


def test_a_command_that_was_refused_may_be_mended_in_the_same_folder(desk):
    refused(fit("--loss", "focall"), "Did you mean")
    assert runner.invoke(app, fit("--loss", "focal")).exit_code == 0
    refused(fit("--loss", "cross_entropy"), "another run")


@pytest.mark.slow  # three processes of their own
def test_73_74_75_killed_interrupted_and_with_a_file_limit_the_run_ends_with_the_same_weights(desk):
    import resource
    import signal
    import subprocess
    import sys
    import time

    words = [sys.executable, "-m", "steepest", "fit", "mlp", "--data", "digits", "--epochs", "4", "--batch-size", "8"]

    def begun(out: str, **options) -> subprocess.Popen:
        return subprocess.Popen([*words, "--out", out], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)

    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        process = begun("cut")
        steps = len(list((desk / "cut").rglob("*.json")))
        while process.poll() is None and len(list((desk / "cut").rglob("*.json"))) <= steps:
            time.sleep(0.05)
        process.send_signal(number)
        process.communicate(timeout=120)
    limited = begun("small", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000)))
    _, told = limited.communicate(timeout=120)
    assert limited.returncode in (0, 2) and b"Traceback" not in told
    for out in ("cut", "whole"):
        assert begun(out).wait(timeout=300) == 0
    one, other = (load_file(desk / out / "model.safetensors") for out in ("cut", "whole"))
    assert all(torch.equal(one[name], other[name]) for name in one)

"""Each bad input that a user can type: one clear error that holds the repair, exit code 2, nothing half-written."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from steepest.cli import app

runner = CliRunner()

NETS = """
from torch import nn

class Net(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.layer = nn.Linear(n_features, n_classes)
    def forward(self, x):
        return self.layer(x)

class Seven(Net):
    def __init__(self, n_features):
        super().__init__(n_features, 7)

class Narrow(Net):
    def __init__(self):
        super().__init__(3, 2)

def broken():
    raise RuntimeError("[red]out of luck[/red]")
"""


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """A user's folder: a table, a file with models, nothing else."""
    draw = random.Random(0)
    lines = ["a,b,won,sum,same,word"]
    for i in range(90):
        a, b = draw.random(), draw.random()
        lines.append(f"{a:.3f},{b:.3f},{int(a > b)},{a + b:.3f},1,{'xyz'[i % 3]}")
    (tmp_path / "words.csv").write_text("\n".join(lines))
    (tmp_path / "table.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(*more: str, data: str = "table.csv:won", model: str = "linear", out: str = "run") -> list[str]:
    """A comparison that takes about a second; later options override earlier ones."""
    small = "--losses cross_entropy --optimizers sgd,adamw --epochs 3 --seeds 3 --budget 700epochs".split()
    return ["compare", model, "--data", data, *small, "--out", out, *more]


def left_behind(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }


REFUSED = {
    "an unknown loss": (study("--losses", "cros_entropy,focal"), "Did you mean 'cross_entropy'"),
    "an unknown optimizer": (study("--optimizers", "adamm,sgd"), "Did you mean 'adam"),
    "an unknown schedule": (study("--schedules", "warmup_cosin"), "Did you mean 'warmup_cosine'"),
    "an unknown metric": (study("--metric", "acuracy"), "Did you mean 'accuracy'"),
    "an unknown data set": (study(data="digit"), "Did you mean 'digits'?"),
    "an unknown model": (study(model="mpl"), "'file.py:Net'"),
    "an unknown option of a loss": (study("--losses", "cross_entropy,focal(gama=1)"), "Did you mean 'gamma'?"),
    "an option outside its domain": (study("--losses", "cross_entropy,focal(gamma=-1)"), "a number >= 0"),
    "brackets that do not close": (study("--losses", "focal(gamma=1"), '"focal(gamma=1|2|5)"'),
    "a CSV without the target column": (study(data="table.csv:lost"), "Columns: a, b, won, sum, same."),
    "a CSV without a named target": (study(data="table.csv"), "Columns: a, b, won, sum, same."),
    "a file that is not there": (study(data="tabel.csv:won"), "Did you mean 'table.csv'?"),
    "text where numbers are needed": (study(data="words.csv:won"), "get_dummies"),
    "labels of one class": (study(data="table.csv:same"), "at least two classes were needed"),
    "a model file that is not there": (study(model="net.py:Net"), "Did you mean 'nets.py'?"),
    "a class that is not in the file": (study(model="nets.py:Ned"), "Did you mean 'Net'?"),
    "a model whose output does not fit the classes": (study(model="nets.py:Seven"), "the last layer have 2 outputs"),
    "a model whose input does not fit the table": (study(model="nets.py:Narrow"), "does the first layer fit?"),
    "a model that cannot be built": (study(model="nets.py:broken"), "[red]out of luck[/red]"),
    "a metric that does not fit the task": (study("--metric", "r2"), "accuracy"),
    "a loss that does not fit the task": (study("--losses", "cross_entropy", data="table.csv:sum"), "mse"),
    "validation loss as criterion": (study("--losses", "cross_entropy,focal", "--metric", "val_loss"), "accuracy"),
    "one arm": (study("--optimizers", "adamw"), "at least two arms"),
    "a budget that is no amount": (study("--budget", "soon"), '"60s"'),
    "a budget too small": (study("--budget", "5epochs"), "Raise the budget"),
    "too few seeds": (study("--seeds", "1"), "auto"),
    "a negative rope": (study("--rope", "-1"), "does not matter"),
    "a rope that is no number": (study("--rope", "nan"), "does not matter"),
    "an unknown engine": (study("--engine", "turbo"), "stacked"),
    "an unknown task": (study("--task", "ranking"), "'regression'"),
    "a baseline that is no arm": (study("--baseline", "adamw"), '"loss + optimizer"'),
    "a baseline of an unknown loss": (study("--baseline", "mze + adamw"), "Did you mean 'mse'?"),
    "a folder below a file": (study(out="table.csv/run"), "table.csv"),
    "a folder that is a file": (study(out="table.csv"), "table.csv"),
    "a folder where nothing can be made": (study(out="/proc/steepest-run"), "/proc"),
    "a report of a folder without a study": (["report", "."], "steepest compare"),
    "a report of a folder that is not there": (["report", "lost"], "there is no such folder"),
    "a study to resume that is not there": (["resume", "lost"], "there is no such folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_the_repair_and_nothing_is_written(desk, case):
    before = left_behind(desk)
    words, repair = REFUSED[case]
    done = runner.invoke(app, words)
    assert done.exit_code == 2, done.output
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert [line.startswith("Error: ") for line in done.stderr.splitlines()][:2] == [True, False]
    assert repair in done.stderr
    assert left_behind(desk) == before


def test_a_finished_study_is_not_harmed_by_what_is_refused(desk):
    """Another study in its folder, a page that cannot be written, at last a store that is cut off."""
    done = runner.invoke(app, study())
    assert done.exit_code == 0, done.output
    before = left_behind(desk)
    for other in (study("--seed", "1"), study("--optimizers", "sgd,adam"), study(data="words.csv:word")):
        done = runner.invoke(app, other)
        assert done.exit_code == 2 and "Error: " in done.stderr and done.stdout == ""
    assert "seed" in runner.invoke(app, study("--seed", "1")).stderr
    done = runner.invoke(app, ["report", "run", "--to", "table.csv/page.html"])
    assert done.exit_code == 2 and "table.csv" in done.stderr
    assert left_behind(desk) == before
    store = desk / "run" / "store.sqlite"
    store.write_bytes(store.read_bytes()[:1000])
    for words in (["report", "run"], ["resume", "run"], study()):
        done = runner.invoke(app, words)
        assert done.exit_code == 2 and "Traceback" not in done.stderr and "store.sqlite" in done.stderr

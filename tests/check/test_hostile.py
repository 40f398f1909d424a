"""Scripts that do not want to be watched: a clear statement each, and nothing written where it could be found."""

from __future__ import annotations

import json

import pytest

from steepest.check.files import check_paths
from steepest.check.notebook import read_notebook

SOUND = """
import torch
from torch import nn
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
x = torch.randn(32, 3)
y = x.sum(1, keepdim=True)
for epoch in range(5):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), y).backward()
    optimizer.step()
"""
HOSTILE = {
    "waits for input": ("n = int(input('epochs? '))\n", "waits for input"),
    "never ends": ("n = 0\nwhile True:\n    n += 1\n", "time limit"),
    "needs arguments": ("import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()\n", "after --"),
    "raises": (SOUND + "raise ValueError('boom')\n", "ValueError: boom"),
    "imports what is not there": ("import no_such_package_at_all\n", "not installed"),
    "kills itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "nothing could be seen"),
    "starts a program that writes": (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', \"open('leak.txt', 'w')\"], check=True)\n", "CalledProcessError"),
    "trains nothing": ("print('x' * 1000000)\n", "without a backward pass"),
}  # fmt: skip


@pytest.mark.slow  # each starts a process that imports torch
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_script_ends_in_a_statement(tmp_path, name):
    text, statement = HOSTILE[name]
    script = tmp_path / "script.py"
    script.write_text(text, encoding="utf-8")
    report = check_paths([script], run=True, limit_s=12)
    assert any(statement in n.why for n in report.not_run), report
    assert report.errors == []
    assert [p.name for p in tmp_path.iterdir()] == ["script.py"]


@pytest.mark.slow
def test_what_a_script_writes_goes_nowhere_and_it_finds_it_again(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        SOUND
        + "import os, pathlib\nos.makedirs('runs/a')\ntorch.save(model.state_dict(), 'runs/a/model.pt')\n"
        + "model.load_state_dict(torch.load('runs/a/model.pt'))\nos.chdir('runs')\nassert os.path.exists('a/model.pt')\n"
        + "pathlib.Path('log.txt').write_text('hello')\nassert open('log.txt').read() == 'hello'\nos.remove(__file__)\n"
        + "for epoch in range(5):\n    loss = -nn.functional.mse_loss(model(x), y)\n    optimizer.zero_grad()\n"
        + "    loss.backward()\n    optimizer.step()\n",
        encoding="utf-8",
    )
    report = check_paths([script], run=True)
    assert report.not_run == [] and [f.code for f in report.findings] == ["L13"], report
    assert [p.name for p in tmp_path.iterdir()] == ["train.py"]


@pytest.mark.slow
def test_arguments_after_the_dashes_reach_the_script(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import sys\nassert sys.argv[1:] == ['--epochs', '3']\n" + SOUND, encoding="utf-8")
    assert check_paths([script], run=True, argv=("--epochs", "3")).not_run == []


def test_no_python_is_a_statement(tmp_path):
    (tmp_path / "a.py").write_text("for x in\n", encoding="utf-8")
    (tmp_path / "b.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "c.py").write_bytes(b"\xff\xfe\x00")
    report = check_paths([tmp_path])
    assert report.findings == [] and len(report.not_run) == 3


def test_a_notebook_is_read_cell_by_cell():
    cells = [
        {"cell_type": "markdown", "source": ["text"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install torch\n", "import torch"]},
        {"cell_type": "code", "source": "loss.backward()"},
    ]
    book = read_notebook(json.dumps({"cells": cells}))
    compile(book.text, "book", "exec")
    assert book.told(3) == "cell 2, line 3" and book.told(4) == "cell 3, line 1"

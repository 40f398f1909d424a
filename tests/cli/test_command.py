"""The command line from outside: exit codes, streams, help, names; real processes where it matters."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import steepest.compare
from steepest.cli import app
from steepest.cli.exits import guarded
from steepest.cli.known import complete_losses, complete_source, names_on_disk
from steepest.cli.studies import DEMO, command_line, default_folder
from steepest.core.errors import UsageError
from steepest.explain import CATALOGUES

runner = CliRunner()


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "steepest", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        timeout=120,
    )


# -- help ---------------------------------------


def test_help_imports_nothing_heavy():
    heavy = ("torch", "numpy", "pandas", "scipy", "sklearn", "altair", "sympy")
    script = "import sys\nfrom steepest.cli import app\n"
    script += "try:\n    app(sys.argv[1:])\nexcept SystemExit as end:\n    code = end.code\n"
    script += f"print(code, [m for m in {heavy} if m in sys.modules])"
    for words in (["--help"], ["compare", "--help"], ["version"]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, encoding="utf-8", check=True
        )
        assert done.stdout.splitlines()[-1] == "0 []"


def test_every_command_has_help_with_an_example():
    names = [c.name or c.callback.__name__ for c in app.registered_commands]
    assert {"compare", "report", "resume", "fit", "evaluate", "lr", "list", "explain", "check", "demo"} <= set(names)
    for name in names:
        shown = runner.invoke(app, [name, "--help"])
        assert shown.exit_code == 0 and "--debug" in shown.stdout
        assert f"steepest {name} " in shown.stdout.split("Usage:")[1].split("\n", 1)[1] or name in ("demo", "version")


def test_the_help_of_the_demo_counts_what_the_demo_compares():
    losses, optimizers = (len(DEMO[name].split(",")) for name in ("losses", "optimizers"))
    assert f"{losses} losses x {optimizers} optimizers" in runner.invoke(app, ["demo", "--help"]).stdout


def test_ctrl_c_before_a_command_has_begun_ends_without_a_traceback():
    script = "import builtins, runpy, sys\nreal = builtins.__import__\n"
    script += "def stopped(name, *rest, **named):\n    if name == 'typer':\n        raise KeyboardInterrupt\n"
    script += "    return real(name, *rest)\nbuiltins.__import__ = stopped\nsys.argv = ['steepest', 'list']\n"
    script += "runpy.run_module('steepest', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 130 and done.stderr == ""


def test_a_reader_that_has_seen_enough_ends_check_without_a_traceback(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import torch\nfrom torch import nn\nnn.CrossEntropyLoss()(torch.randn(4, 2).softmax(1), torch.ones(4))\n"
    )
    words = [sys.executable, "-m", "steepest", "check", str(script)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == command("check", str(script)).returncode


def test_python_m_steepest_is_the_command():
    done = command("--version")
    assert done.returncode == 0 and done.stdout.startswith("steepest ")


def test_versions_are_told_without_importing_what_is_told():
    done = runner.invoke(app, ["version"])
    assert done.exit_code == 0 and "torch 2" in done.stdout and "Python 3" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["comapre"],
        ["compare", "--losses"],
        ["compare", "mlp", "--data", "digits", "--optimizer", "sgd"],
        ["list", "loses"],
    ],
)
def test_words_that_are_no_command_end_with_2_and_print_nothing_on_stdout(words):
    done = command(*words)
    assert done.returncode == 2 and done.stderr and "Traceback" not in done.stderr


# -- errors ---------------------------------------


def raising(error: BaseException) -> typer.Typer:
    made = typer.Typer()

    @made.command()
    @guarded
    def fail() -> None:
        raise error

    return made


BAD = UsageError(
    where="losses",
    seen="there is no [red]loss[/red]",
    needed="a loss was needed",
    repair="Did you mean [bold]'focal'[/bold]?",
)


def test_bad_input_ends_with_2_and_one_message_on_stderr():
    done = runner.invoke(raising(BAD), [])
    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "Error: losses: there is no [red]loss[/red]; a loss was needed.",
        "       Did you mean [bold]'focal'[/bold]?",
    ]


def test_a_mistake_of_ours_ends_with_1_and_says_how_to_report_it():
    done = runner.invoke(raising(ZeroDivisionError("division by zero")), [])
    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert (
        "ZeroDivisionError: division by zero" in done.stderr
        and "--debug" in done.stderr
        and "steepest version" in done.stderr
    )


@pytest.mark.parametrize(("error", "code"), [(BAD, 2), (ZeroDivisionError("x"), 1)])
def test_debug_shows_where_it_was_raised(error, code):
    done = runner.invoke(raising(error), ["--debug"])
    assert done.exit_code == code and "Traceback" in done.stderr and "test_command.py" in done.stderr


def test_control_characters_in_a_message_do_not_reach_the_terminal():
    evil = UsageError(
        where="data", seen="the column '\x1b[31mred\x07'", needed="a name was needed", repair="Rename it."
    )
    assert "\x1b" not in runner.invoke(raising(evil), []).stderr


# -- list and explain ---------------------------------------


@pytest.mark.parametrize("kind", list(CATALOGUES))
def test_a_list_in_a_pipe_has_one_line_per_name_and_tabs(kind):
    done = runner.invoke(app, ["list", kind])
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.exit_code == 0 and [row[0] for row in rows] == [item.name for item in CATALOGUES[kind]]
    assert all(len(row) == 3 and row[1] for row in rows)


def test_the_list_of_everything_says_which_catalogue_each_name_is_in():
    rows = [line.split("\t") for line in runner.invoke(app, ["list"]).stdout.splitlines()]
    assert {(row[0], row[1]) for row in rows} == {
        (kind, item.name) for kind, items in CATALOGUES.items() for item in items
    }


@pytest.mark.parametrize(
    ("asked", "kind"), [("loss", "losses"), ("rules", "optimizers"), ("datasets", "data"), ("Metric", "metrics")]
)
def test_other_words_for_a_catalogue_are_understood(asked, kind):
    assert runner.invoke(app, ["list", asked]).stdout == runner.invoke(app, ["list", kind]).stdout


@pytest.mark.parametrize("kind", list(CATALOGUES))
def test_the_shell_completes_the_names_that_exist(kind):
    assert names_on_disk(kind) == sorted(item.name for item in CATALOGUES[kind])


def test_completion_continues_the_last_name_of_a_list():
    assert complete_losses("mse,hub") == ["mse,huber"]


def test_completion_of_data_offers_tables_and_folders(tmp_path, monkeypatch):
    (tmp_path / "table.csv").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "tables").mkdir()
    monkeypatch.chdir(tmp_path)
    assert complete_source("ta") == ["table.csv:", "tables/"]


def test_explain_in_a_pipe_has_no_colours_and_in_a_terminal_it_may():
    plain = runner.invoke(app, ["explain", "huber"])
    assert plain.exit_code == 0 and "\x1b" not in plain.stdout and "δ" in plain.stdout


def test_explain_latex_prints_the_formula_alone():
    done = runner.invoke(app, ["explain", "mse", "--latex"])
    assert done.stdout.strip() == r"\left(x - y\right)^{2}"


def test_explain_shows_markup_in_a_wrong_name_as_it_was_typed():
    done = runner.invoke(app, ["explain", "[red]huber[/red]"])
    assert done.exit_code == 2 and "'[red]huber[/red]'" in done.stderr


def test_explain_writes_a_plot(tmp_path):
    done = runner.invoke(app, ["explain", "huber", "--plot", str(tmp_path / "curve.svg")])
    assert done.exit_code == 0 and (tmp_path / "curve.svg").read_text().startswith("<svg")


# -- the command that repeats a study ---------------------------------------

ASKED = [
    "compare",
    "net.py:Net",
    "--data",
    "my table.csv:price",
    "--losses",
    "mse,huber(delta=1|2)",
    "--optimizers",
    "sgd(momentum=0.9, nesterov=True)",
    "--metric",
    "r2",
    "--budget",
    "90epochs",
    "--seeds",
    "5",
    "--seed",
    "3",
    "--rope",
    "0.5",
    "--baseline",
    "mse + sgd(lr=0.1)",
    "--task",
    "regression",
    "--batch-size",
    "32",
    "--epochs",
    "7",
    "--engine",
    "loop",
]


@pytest.fixture
def calls(monkeypatch):
    """What the command asks of `compare`, which trains nothing here."""
    heard = []

    def listen(**asked):
        heard.append(asked)
        raise KeyboardInterrupt

    monkeypatch.setattr(steepest.compare, "compare", listen)
    return heard


def test_the_command_line_says_all_that_was_asked_so_that_it_can_be_repeated(calls, tmp_path):
    runner.invoke(app, [*ASKED, "--out", str(tmp_path)])
    again = shlex.split(calls[0]["command"])
    assert again[:2] == ["steepest", "compare"]
    runner.invoke(app, again[1:])
    assert calls[1] == calls[0] and calls[0]["losses"] == "mse,huber(delta=1|2)" and calls[0]["rope"] == 0.5


def test_without_out_the_same_command_finds_the_same_folder_and_another_one_its_own(calls):
    for words in (ASKED, ASKED, [*ASKED[:-2], "--engine", "vmap"]):
        runner.invoke(app, words)
    folders = [asked["out"] for asked in calls]
    assert folders[0] == folders[1] != folders[2]
    assert folders[0].parent == Path("steepest-runs") and folders[0].name.startswith("my-table-")


def test_a_folder_is_named_after_the_data_whatever_they_are_called():
    names = {
        data: default_folder({"model": "mlp", "data": data}).name
        for data in ("digits", "../a b/ü.csv:y", "mod.sub:load", ":", "x" * 300)
    }
    assert all(set(n) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(n) < 60 for n in names.values())


def test_ctrl_c_before_anything_was_written_says_so_and_ends_with_130(calls, tmp_path):
    done = runner.invoke(app, [*ASKED, "--out", str(tmp_path / "new")])
    assert done.exit_code == 130 and "nothing is lost" in done.stderr and "Traceback" not in done.stderr


def test_the_demo_is_a_command_that_can_be_typed():
    words = shlex.split(command_line(dict(model="mlp", data="digits", losses="a(b=1|2)"), Path("runs/x y")))
    assert words == ["steepest", "compare", "mlp", "--data", "digits", "--losses", "a(b=1|2)", "--out", "runs/x y"]

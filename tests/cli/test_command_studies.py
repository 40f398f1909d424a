"""A study from the command line: what it prints and leaves, how it is stopped, resumed and drawn again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from steepest.cli import app
from steepest.results.store import read_study

runner = CliRunner()

SMALL = ["compare", "linear", "--data", "wine", "--losses", "cross_entropy", "--optimizers", "sgd,adamw"]
SMALL += ["--epochs", "12", "--seeds", "3", "--budget", "3600epochs"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("study") / "run"


@pytest.fixture(scope="module")
def finished(folder):
    done = runner.invoke(app, [*SMALL, "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return done


def test_it_prints_the_verdict_as_one_line_and_says_where_the_files_are(finished, folder):
    verdict = json.loads((folder / "verdict.json").read_text())
    lines = finished.stdout.splitlines()
    assert verdict["verdict"] in lines
    assert f"Page:    {folder / 'report.html'}" in lines and f"Verdict: {folder / 'verdict.json'}" in lines
    assert sorted(p.name for p in folder.iterdir()) == ["report.html", "store.sqlite", "verdict.json", "weights"]
    assert "\x1b" not in finished.output


def test_the_page_holds_the_command_that_repeats_the_study(finished, folder):
    command = read_study(folder).plan.command
    assert (
        command.startswith("steepest compare linear --data wine --losses cross_entropy ")
        and f"--out {folder}" in command
    )


def test_the_same_command_again_trains_nothing_and_says_the_same(finished, folder):
    before = (folder / "store.sqlite").read_bytes()
    again = runner.invoke(app, [*SMALL, "--out", str(folder)])
    assert again.exit_code == 0 and again.stdout == finished.stdout and "nothing was trained" in again.stderr
    assert (folder / "store.sqlite").read_bytes() == before


def test_a_page_is_drawn_again_from_the_store_alone(finished, folder, tmp_path):
    first = (folder / "report.html").read_bytes()
    done = runner.invoke(app, ["report", str(folder), "--to", str(tmp_path / "page.html")])
    assert done.exit_code == 0 and read_study(folder).verdict.sentence in done.stdout
    assert (tmp_path / "page.html").read_bytes() == first


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(app, [*SMALL, "--dry-run"])
    assert done.exit_code == 0 and "cross_entropy + adamw" in done.stdout and "178 rows" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_keeps_what_is_finished_and_resume_ends_with_the_same_verdict(finished, folder, tmp_path):
    cut = tmp_path / "cut"
    process = subprocess.Popen(
        [sys.executable, "-m", "steepest", *SMALL, "--out", str(cut)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    waiting_since = time.monotonic()
    while not _finished_rungs(cut) and time.monotonic() - waiting_since < 60:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err and out == ""
    assert f"steepest resume {cut}" in err and f"saved in {cut}" in err
    assert not (cut / "verdict.json").exists()
    resumed = runner.invoke(app, ["resume", str(cut)])
    assert resumed.exit_code == 0, resumed.output
    assert _without_times(cut) == _without_times(folder)


def _finished_rungs(folder: Path) -> list[str]:
    try:
        return read_study(folder).finished_rungs
    except OSError:
        return []


def _without_times(folder: Path) -> dict[str, object]:
    """verdict.json but for durations and the folder's own name."""
    values = json.loads((folder / "verdict.json").read_text())
    return {k: v for k, v in values.items() if "seconds" not in k and "time" not in k and k != "command"}


# -- what leaves a study ---------------------------------------------------------------------------------------------


def test_eject_writes_a_script_that_trains_the_winner_without_steepest(finished, folder, tmp_path):
    script = tmp_path / "the best.py"
    done = runner.invoke(app, ["eject", str(folder), "--out", str(script)])
    assert done.exit_code == 0 and f"python '{script}'\n" in done.stdout  # as a shell takes it
    text = script.read_text()
    assert "python 'the best.py' --seed 7" in text and "import steepest" not in text
    study = read_study(folder)
    assert study.verdict.winner in text.splitlines()[0] and "def make_optimizer(model):" in text


def test_export_writes_every_trial_as_a_table(finished, folder, tmp_path):
    done = runner.invoke(app, ["export", str(folder), "--to", "csv", "--out", str(tmp_path / "rows")])
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert len(lines) == 1 + len(read_study(folder).outcomes) and lines[0].startswith("arm,loss,weighting,optimizer")


def test_export_to_what_nobody_knows_names_what_is_known(finished, folder):
    done = runner.invoke(app, ["export", str(folder), "--to", "excel"])
    assert done.exit_code == 2 and "optuna, csv, json, parquet" in " ".join(done.stderr.split())


def test_cite_prints_what_the_study_used_and_nothing_else(finished, folder):
    done = runner.invoke(app, ["cite", str(folder)])
    assert "Loshchilov & Hutter 2019, arXiv:1711.05101 (adamw" in done.stdout and "@misc{" in done.stdout
    assert "lion" not in done.stdout
    only = runner.invoke(app, ["cite", "focal", "huber(delta=2)", "--bibtex"])
    assert only.exit_code == 0 and only.stdout.startswith("@misc{huber1964,") and only.stdout.count("@misc{") == 2


def test_a_folder_or_name_that_nobody_knows_is_told(tmp_path):
    done = runner.invoke(app, ["cite", "focall"])
    assert done.exit_code == 2 and "'focal'" in done.stderr
    assert runner.invoke(app, ["eject", str(tmp_path / "none")]).exit_code == 2

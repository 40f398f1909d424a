"""What the command prints and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner
from watched import only_read

from steepest.__main__ import _read_only as read_only
from steepest.check.catalogue import check_of
from steepest.check.show import sarif
from steepest.cli import app

BAD, GOOD = check_of("L01").bad, check_of("L01").good


@pytest.fixture
def script(tmp_path):
    file = tmp_path / "train.py"
    file.write_text(BAD, encoding="utf-8")
    return file


def run(*words):
    return CliRunner().invoke(app, ["check", *map(str, words)])


def test_an_error_ends_with_1_and_shows_line_evidence_and_repair(script):
    done = run(script)
    assert done.exit_code == 1
    assert (
        "L01 error" in done.output and "loss = loss_fn(model(xb), yb)" in done.output and "Return logits" in done.output
    )


def test_a_sound_script_ends_with_0(script):
    script.write_text(GOOD, encoding="utf-8")
    done = run(script)
    assert done.exit_code == 0 and "Nothing found." in done.output


@pytest.mark.parametrize(
    "words", [["no_such_file.py"], ["--format", "yaml", "x.py"], ["--explain", "Q99"], ["--ignore", "Q1", "x.py"]]
)
def test_a_wrong_word_ends_with_2(words):
    assert run(*words).exit_code == 2


def test_json_holds_what_programs_need(script):
    told = json.loads(run(script, "--format", "json").output)
    (finding,) = told["findings"]
    assert set(finding) >= {"code", "severity", "file", "line", "title", "evidence", "repair"}
    assert finding["code"] == "L01" and finding["severity"] == "error" and told["not_run"] == []
    assert BAD.splitlines()[finding["line"] - 1].strip() == "loss = loss_fn(model(xb), yb)"


def test_github_gets_one_annotation_with_its_line(script):
    assert run(script, "--format", "github").output.startswith(f"::error file={script},line=")


def test_sarif_names_each_rule_once():
    told = json.loads(sarif(only_read(BAD, "train.py")))
    (run_,) = told["runs"]
    assert told["version"] == "2.1.0" and [r["id"] for r in run_["tool"]["driver"]["rules"]] == ["L01"]
    assert run_["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] > 1


@pytest.mark.parametrize(
    ("comment", "is_silent"),
    [("# steepest: ignore[L01]", True), ("# steepest: ignore", True), ("# steepest: ignore[Z01]", False)],
)
def test_a_comment_silences_its_line(script, comment, is_silent):
    line = "loss = loss_fn(model(xb), yb)"
    script.write_text(BAD.replace(line, f"{line}  {comment}"), encoding="utf-8")
    assert run(script).exit_code == (0 if is_silent else 1)


def test_an_option_silences_a_code(script):
    assert run(script, "--ignore", "L01").exit_code == 0


def test_a_folder_is_checked_file_by_file(script):
    (script.parent / "sub").mkdir()
    (script.parent / "sub" / "other.py").write_text(GOOD, encoding="utf-8")
    assert run(script.parent).output.count("L01 error") == 1


def test_an_explanation_shows_the_mistake_and_its_repair():
    done = run("--explain", "l01")
    assert done.exit_code == 0 and "L01" in done.output and "- model" in done.output.replace("-model", "- model")


def test_arguments_without_a_run_are_refused(script):
    assert run(script, "--", "--epochs", "3").exit_code == 2


@pytest.mark.parametrize(
    "options", [[], ["--format", "json"], ["--format=sarif"], ["--ignore=L01,H06"], ["--ignore", "l01"]]
)
def test_reading_without_the_command_line_says_the_same(script, options):
    told, code = read_only(["check", str(script), *options])
    done = run(script, *options)
    assert (told + "\n", code) == (done.output, done.exit_code)


@pytest.mark.parametrize(
    "words",
    [
        ["--run"],
        ["--help"],
        ["--format", "jsn"],
        ["--ignore", "L99"],
        ["nowhere.py"],
        ["--", "a"],
        ["--explain", "L01"],
    ],
)
def test_what_is_no_plain_reading_goes_to_the_command_line(script, words):
    assert read_only(["check", str(script), *words]) is None


def test_reading_loads_neither_torch_nor_the_command_line(script, root):
    code = f"import sys\nfrom steepest.__main__ import main\nsys.argv = ['steepest', 'check', {str(script)!r}]\ntry: main()\nexcept SystemExit: pass\n"
    code += "print({'torch', 'numpy', 'typer', 'rich'} & {m.split('.')[0] for m in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(root / "src")}
    )
    assert done.stdout.splitlines()[-1] == "set()", done.stderr

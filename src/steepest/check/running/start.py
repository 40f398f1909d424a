"""Starts the process that watches a script, with a time limit, and reads its report. No torch here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from ..finding import Finding, NotRun, Report

GRACE_S = 20.0
PACKAGE = Path(__file__).resolve().parents[3]


def watch_script(
    text: str, file: str, argv: list[str], *, budget: int = 30, limit_s: float = 60.0, ignore: tuple[str, ...] = ()
) -> tuple[Report, bool]:
    """(report of the run, whether a report came back). The script is read from `text`, its folder is that of `file`."""
    with tempfile.TemporaryDirectory(prefix="steepest-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        order, answer = folder / "order.json", folder / "answer.json"
        order.write_text(
            json.dumps(
                dict(
                    text=text,
                    file=str(Path(file).resolve()),
                    argv=argv,
                    folder=str(folder),
                    answer=str(answer),
                    budget=budget,
                    limit_s=limit_s,
                    ignore=list(ignore),
                )
            ),  # fmt: skip
            encoding="utf-8",
        )
        end = _run(order, limit_s)
        if not answer.exists():
            return Report([], [NotRun(end, (), file)]), False
        told = json.loads(answer.read_text(encoding="utf-8"))
    findings = [Finding(**f) for f in told["findings"]]
    findings = [_with_file(f, file) for f in findings]
    not_run = [NotRun(n["why"], tuple(n["codes"]), file) for n in told["not_run"]]
    return Report(findings, [*not_run, *(NotRun(s, (), file) for s in told["statement"])]), True


def _with_file(finding: Finding, file: str) -> Finding:
    own = Path(finding.file).resolve() == Path(file).resolve() if finding.file else True
    return Finding(**{**finding.__dict__, "file": file if own else finding.file})


def _run(order: Path, limit_s: float) -> str:
    """Runs the process and ends it with all its children; returns why no report came, if none did."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])}
    env.setdefault("OMP_NUM_THREADS", "2")
    process = subprocess.Popen(
        [sys.executable, "-m", "steepest.check.running.child", str(order)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, start_new_session=True,
    )  # fmt: skip
    try:
        code = process.wait(timeout=limit_s + GRACE_S)
        return f"the script ended the process that watched it (exit code {code}): nothing could be seen"
    except subprocess.TimeoutExpired:
        return f"the script did not end within {limit_s:g} s and could not be stopped: nothing could be seen"
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()

"""A small real study that is disturbed and begun again until it ends, and whether it then is what it would have been.

Children are forked, so that a hundred of them import torch once. The page is drawn from the records alone and takes
four times as long as this study, so its place is held by a file of the records, written in the same way.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from small_studies import WINE

from steepest.compare import compare, results
from steepest.core.errors import SteepestError
from steepest.results.durable import atomic_write
from steepest.results.payload import to_text
from steepest.results.records import Study
from steepest.results.store import Store, read_study

sys.path.insert(0, str(Path(__file__).parent.parent / "results"))
from faults import faults

ASKED: dict[str, Any] = {**WINE, "losses": "cross_entropy", "budget": "1500epochs", "epochs": 8, "seeds": 3}
LONGEST_S = 120
FINISHED, REFUSED = 0, 3
"""Exit codes of a child: the study ended; it was refused by one of our errors."""


def begin_or_go_on(folder: Path, disturbance: contextlib.AbstractContextManager[Any] | None = None) -> int:
    """The pid of a child that calls compare on the folder, inside the disturbance."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with quick_page(), disturbance or contextlib.nullcontext():
            compare(**ASKED, out=folder)
        code = FINISHED
    except SteepestError as error:
        code = REFUSED if error.repair else 1
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Its exit code, or minus the signal that ended it. One that hangs is killed and told."""
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise TimeoutError(f"a study hung for {LONGEST_S} s")


# -- disturbances: each runs the study once, badly, and says in a word what happened -----------------------------------


def killed(folder: Path, chance: random.Random, seconds: float) -> str:
    child = begin_or_go_on(folder)
    time.sleep(chance.uniform(0, seconds))
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return "killed" if ended(child) == -signal.SIGKILL else "had ended"


def torn(folder: Path, chance: random.Random, seconds: float) -> str:
    """Killed, and of the log that it was writing up to 4 KiB are cut off, as a power cut may."""
    told = killed(folder, chance, seconds)
    log = folder / "store.sqlite-wal"
    if not log.exists() or not log.stat().st_size:
        return f"{told}, no log to tear"
    cut = chance.randint(1, min(4096, log.stat().st_size))
    os.truncate(log, log.stat().st_size - cut)
    return "torn"


def failing(folder: Path, chance: random.Random, seconds: float) -> str:
    """One durable operation fails: an open, a flush, a rename, a statement of SQLite."""
    strike = faults(chance.randint(1, 90), chance.choice(["before", "after"]))
    return told(ended(begin_or_go_on(folder, strike)))


def full(folder: Path, chance: random.Random, seconds: float) -> str:
    """No file may grow beyond a size that the store or the page reaches."""
    return told(ended(begin_or_go_on(folder, no_file_beyond(chance.randint(4_000, 150_000)))))


DISTURBANCES: dict[str, Callable[[Path, random.Random, float], str]] = {
    "kill -9": killed,
    "kill -9, torn log": torn,
    "failed write": failing,
    "full disk": full,
}


def told(code: int) -> str:
    return {FINISHED: "had ended", REFUSED: "refused"}.get(code, f"broke with exit code {code}")


@contextlib.contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    yield


# -- what came of it ---------------------------------------------------------------------------------------------------


def undisturbed(folder: Path) -> float:
    """Run the study in peace, twice: here, for what is loaded once, and in a child, whose seconds are returned."""
    with quick_page():
        compare(**ASKED, out=folder)
    begun = time.monotonic()
    assert ended(begin_or_go_on(fresh(folder))) == FINISHED
    return time.monotonic() - begun


@contextlib.contextmanager
def quick_page() -> Iterator[None]:
    def write(study: Study, path: Path) -> Path:
        atomic_write(path, to_text(timeless(study)))
        return path

    with mock.patch.object(results, "write_page", write):
        yield


def trace(folder: Path) -> dict[str, Any]:
    """Everything of a finished study but durations: its records, and what lies in its folder."""
    verdict = json.loads((folder / "verdict.json").read_text())
    return {
        "records": to_text(timeless(read_study(folder))),
        "verdict": {name: value for name, value in verdict.items() if "seconds" not in name},
        "page": (folder / "report.html").read_text(),
        "weights": {path.name: path.read_bytes() for path in (folder / "weights").iterdir()},
        "left": sorted(path.name for path in folder.iterdir()),
    }


def timeless(study: Study) -> Study:
    return replace(study, seconds=0.0, rung_seconds=dict.fromkeys(study.rung_seconds, 0.0))


def rungs_in(folder: Path) -> dict[str, float]:
    """The stored rungs and how long each took to train, which tells one training from another."""
    return read_study(folder).rung_seconds if Store.exists(folder) else {}


def disturb(folder: Path, kind: str, chance: random.Random, seconds: float, times: int) -> dict[str, Any]:
    """Disturb a study some times, let it end, and tell what happened and what was lost or done twice."""
    happened, kept = [], {}
    for _ in range(times):
        before = rungs_in(folder)
        happened.append(DISTURBANCES[kind](folder, chance, seconds))
        kept = rungs_in(folder)
        if kind != "kill -9, torn log" and any(kept.get(name) != spent for name, spent in before.items()):
            happened.append("lost a rung")
    code = ended(begin_or_go_on(folder))
    final = read_study(folder)
    trained = [(o.rung, o.arm, o.learning_rate, o.seed) for o in final.outcomes]
    return {
        "happened": happened,
        "code": code,
        "lost": sum(final.rung_seconds.get(name) != spent for name, spent in kept.items()),
        "twice": len(trained) - len(set(trained)),
    }


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder

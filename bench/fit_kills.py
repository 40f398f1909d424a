"""Fifty runs of st.fit, killed at random moments and hurt on disk: resumed, they end with the bits of the undisturbed run.

    OMP_NUM_THREADS=1 python bench/fit_kills.py [--runs 50] [--seed 0]

A run: 1,797 digits, a net with BatchNorm and Dropout, AdamW with a schedule, weights, moving averages, early stopping on
validation, 6 epochs, a checkpoint every tenth of a second. It is disturbed one to four times, each time by one of
- SIGKILL, SIGTERM or Ctrl-C at a random moment,
- SIGKILL, then the newest checkpoint torn, flipped, emptied, or one of its two files removed,
- a disk that is full from a random write on, then SIGKILL,
and goes on by the same call. "Same": the weights, the optimizer's state and the history (durations aside) are those of the
run that nobody disturbed, bit for bit. The last line is JSON.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from steepest import data
from steepest.fit import checkpoint, fit

Harm = Callable[[Path, random.Random], None]


def train(folder: Path, full_after: int | None = None) -> None:
    """The run; its digest is written when it has ended. full_after: writes until the disk is full."""
    digits = data.load("digits")
    x, y = (digits.x / 16).contiguous(), digits.y
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    writes = 0

    def write(path: Path, content: str | bytes) -> None:
        nonlocal writes
        writes += 1
        if full_after is not None and writes > full_after:
            raise checkpoint.StoreError(
                where=str(path), seen=os.strerror(errno.ENOSPC), needed="space was needed", repair="Free some."
            )
        whole_write(path, content)

    whole_write = checkpoint.atomic_write
    with mock.patch.object(checkpoint, "atomic_write", write):
        history = fit(
            model,
            (x, y, 0.5 + torch.rand(len(y), generator=torch.Generator().manual_seed(1))),
            loss="focal(gamma=2)",
            optimizer="adamw(lr=3e-3)",
            epochs=6,
            batch_size=32,
            validation=0.2,
            metrics="accuracy, f1",
            ema=0.99,
            patience=4,
            out=folder,
            checkpoint_s=0.0,
            progress=False,
            check=False,
        )
    if history.stopped == "interrupted":
        return
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history]
    digest = hashlib.sha256(json.dumps([rows, history.stopped, history.best_epoch]).encode())
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    (folder / "digest").write_text(digest.hexdigest())


def child(folder: Path, full_after: int | None = None) -> int:
    """A process that trains; its number."""
    number = os.fork()
    if number:
        return number
    code = 1
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the bench itself runs in the background
    try:
        train(folder, full_after)
        code = 0
    except (SystemExit, KeyboardInterrupt) as end:
        code = end.code if isinstance(end, SystemExit) else 130
    except Exception:
        folder.with_suffix(".error").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def ended(number: int) -> int:
    """Its exit code, as Python counts them."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


# -- what may happen ---------------------------------------------------------------------------------------------------


def newest(folder: Path, suffix: str) -> Path | None:
    """A file of the newest generation, if it is there still."""
    generation = max((folder / "checkpoints").glob("*.json"), default=None)
    path = None if generation is None else generation.with_suffix(suffix)
    return path if path is not None and path.exists() else None


def torn(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(max(1, len(content)))])


def flipped(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes() or b"\0")
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(bytes(content))


HARMS: dict[str, Harm] = {
    "torn": torn,
    "flipped": flipped,
    "emptied": lambda path, _: path.write_bytes(b"") and None,
    "removed": lambda path, _: path.unlink(),
}
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
KINDS = (*SIGNALS, *HARMS, "full disk")


def disturb(folder: Path, kind: str, seconds: float, chance: random.Random) -> str:
    """Start the run, wait, disturb it. What happened in words."""
    number = child(folder, chance.randrange(12) if kind == "full disk" else None)
    time.sleep(chance.uniform(0.02, seconds))
    try:
        os.kill(number, SIGNALS.get(kind, signal.SIGKILL))
    except ProcessLookupError:
        pass
    code = ended(number)
    if code == 0 and (folder / "digest").exists():
        return "it had ended"
    if kind in HARMS:
        hurt = newest(folder, chance.choice((".json", ".safetensors")))
        generations = len(list((folder / "checkpoints").glob("*.json")))
        if hurt is None or generations < 2:
            return "before the second checkpoint"
        HARMS[kind](hurt, chance)
    return {-9: "killed", -15: "killed", 143: "ended by SIGTERM", 130: "ended by Ctrl-C", 0: "stopped in order"}.get(
        code, f"exit {code}"
    )


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--runs", type=int, default=50)
    given.add_argument("--seed", type=int, default=0)
    asked = given.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()} {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}")
    chance, rows = random.Random(asked.seed), {kind: Counter[str]() for kind in KINDS}
    with tempfile.TemporaryDirectory() as scratch:
        begun = time.monotonic()
        assert ended(child(Path(scratch) / "whole")) == 0
        seconds, expected = time.monotonic() - begun, (Path(scratch) / "whole" / "digest").read_text()
        for i in range(asked.runs):
            folder, first = Path(scratch) / str(i), KINDS[i % len(KINDS)]
            kinds = [first, *(chance.choice(KINDS) for _ in range(chance.randrange(4)))]
            for kind in kinds:
                rows[kind][disturb(folder, kind, seconds, chance)] += 1
            code = ended(child(folder))
            is_same = code == 0 and (folder / "digest").read_text() == expected
            rows[first].update(runs=1, same=int(is_same))
            if not is_same:
                print(f"run {i}: {', '.join(kinds)}: exit {code}, another end", file=sys.stderr)
                if code:
                    print(folder.with_suffix(".error").read_text(), file=sys.stderr)
    print(f"{'first disturbance':<20}{'runs':>6}{'same':>6}   all disturbances of the kind")
    for kind, row in rows.items():
        rest = ", ".join(f"{n} x {what}" for what, n in sorted(row.items()) if what not in ("runs", "same"))
        print(f"{kind:<20}{row['runs']:>6}{row['same']:>6}   {rest}")
    same, n = (sum(row[name] for row in rows.values()) for name in ("same", "runs"))
    print(f"{same} of {n} the same; the undisturbed run took {seconds:.1f} s")
    print(json.dumps({"bench": "fit_kills", "runs": n, "same": same}))


if __name__ == "__main__":
    main()

"""A hundred disturbed studies: killed at random moments, a torn log, a failed write, a full disk; all end the same.

    OMP_NUM_THREADS=1 python bench/kills.py [--studies 100] [--seed 0]

A real comparison (linear on wine, 8 epochs a run) in processes of its own, disturbed one to three times in one of four
ways, then called once more. "Same": every record, the page, the weights and the names of the files are those of the
study that nobody disturbed; durations aside. "Lost": rungs that were stored and trained again; "twice": trials stored
twice. "Refused" is a typed error with its repair. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "compare"))
from disturbed import DISTURBANCES, disturb, fresh, trace, undisturbed


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--studies", type=int, default=100)
    given.add_argument("--seed", type=int, default=0)
    asked = given.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.machine()} {platform.system()}, Python {platform.python_version()}, torch {torch.__version__}")
    chance, begun = random.Random(asked.seed), time.monotonic()
    rows: dict[str, Counter[str]] = {kind: Counter() for kind in DISTURBANCES}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "study"
        seconds = undisturbed(folder)
        expected = trace(folder)
        for i in range(asked.studies):
            kind = list(DISTURBANCES)[i % len(DISTURBANCES)]
            told = disturb(fresh(folder), kind, chance, seconds, chance.randint(1, 3))
            row = rows[kind]
            row.update(told["happened"])
            row["studies"] += 1
            row["same"] += told["code"] == 0 and trace(folder) == expected
            row["lost"] += told["lost"] + told["happened"].count("lost a rung")
            row["twice"] += told["twice"]
    columns = ("studies", "same", "lost", "twice")
    print(f"{'disturbance':<20}" + "".join(f"{c:>9}" for c in columns) + "   what happened")
    for kind, row in rows.items():
        rest = ", ".join(f"{n} x {what}" for what, n in sorted(row.items()) if what not in columns)
        print(f"{kind:<20}" + "".join(f"{row[c]:>9}" for c in columns) + f"   {rest}")
    total = {c: sum(row[c] for row in rows.values()) for c in columns}
    print(f"{total['same']} of {total['studies']} the same, in {time.monotonic() - begun:.0f} s")
    print(json.dumps({"bench": "kills", **total}))


if __name__ == "__main__":
    main()

"""Run as a program: for n = 1, 2, ... a child runs the small study in FOLDER/n and is killed at its n-th operation.

Its own process, so that children are forked from one thread.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from faults import faults
from run_study import run_study


def main(folder: Path) -> None:
    for n in range(1, 1000):
        child = os.fork()
        if child == 0:
            with faults(n, "kill"):
                run_study(folder / str(n))
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:  # it came to its end before the n-th operation
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))

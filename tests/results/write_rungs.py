"""Run as a program: writes rungs of fifty trials into a store without end, a line of output after each."""

from __future__ import annotations

import itertools
import sys

import small_study

from steepest.results.store import Store


def main(folder: str) -> None:
    store = Store.create(folder, small_study.plan())
    print("created", flush=True)
    for i in itertools.count():
        store.write_rung(f"rung-{i}", small_study.outcomes(f"rung-{i}")[:1] * 50, [], 0.0)
        print(i, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

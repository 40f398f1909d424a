"""What compare does with a store: begin or go on, write the rungs that are missing, write the verdict."""

from __future__ import annotations

from pathlib import Path

import small_study

from steepest.results.store import Store


def run_study(folder: Path) -> None:
    with open_or_begin(folder) as store:
        done = store.read()
        for rung in small_study.RUNGS:
            if rung not in done.finished_rungs:
                store.write_rung(rung, small_study.outcomes(rung), small_study.events(rung), 0.25)
        if done.verdict is None:
            store.write_verdict(small_study.verdict())


def open_or_begin(folder: Path) -> Store:
    return Store.open(folder, small_study.plan()) if Store.exists(folder) else Store.create(folder, small_study.plan())

"""Every trial of a study as a row, for data frames and files that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from steepest.core.errors import DataError, UsageError

from .records import Outcome, Study

if TYPE_CHECKING:
    import pandas

WRITERS = {".csv": "to_csv", ".json": "to_json", ".parquet": "to_parquet"}


def phase_of(study: Study, outcome: Outcome) -> str:
    """search, race or confirm; an extension of a rung counts with it."""
    known = {rung.name: rung.phase for rung in study.plan.rungs}
    return known.get(outcome.rung) or known.get(outcome.rung.split(",")[0], "search")


def trials(study: Study) -> pandas.DataFrame:
    """One row per trial, in the order of training.

    Columns: arm, loss, weighting, optimizer, schedule, learning_rate, seed, rung, phase, epochs, diverged, score (on
    the select part), test_score (confirmation only), and the metrics beside as metric.NAME. Scores are in the metric's
    own scale; those of a diverged trial are NaN.
    """
    import pandas

    return pandas.DataFrame([_row(study, outcome) for outcome in study.outcomes], columns=_columns(study))


def write_trials(study: Study, path: str | Path) -> Path:
    """The rows of `trials` as a .csv, .json (one object per row) or .parquet file.

    Raises DataError where no library that writes Parquet is installed.
    """
    target = Path(path)
    writer = WRITERS.get(target.suffix.lower())
    if writer is None:
        raise UsageError(
            where="export",
            seen=f"the ending {target.suffix!r}",
            needed=f"one of {', '.join(WRITERS)} was needed",
            repair=f"For example {target.with_suffix('.csv')}.",
        )
    frame = trials(study)
    target.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"orient": "records", "indent": 1} if writer == "to_json" else {"index": False}
    try:
        getattr(frame, writer)(target, **options)
    except ImportError as error:
        raise DataError(
            where=target.name,
            seen="no library that writes Parquet is installed",
            needed="pyarrow was needed",
            repair="pip install 'steepest[parquet]', or write .csv.",
        ) from error
    return target


def _row(study: Study, outcome: Outcome) -> dict[str, Any]:
    arm = study.plan.arm(outcome.arm)
    return {
        "arm": arm.name,
        "loss": arm.loss,
        "weighting": arm.weighting,
        "optimizer": arm.optimizer,
        "schedule": arm.schedule,
        "learning_rate": outcome.learning_rate,
        "seed": outcome.seed,
        "rung": outcome.rung,
        "phase": phase_of(study, outcome),
        "epochs": outcome.epochs,
        "diverged": outcome.diverged,
        "score": outcome.score,
        "test_score": float("nan") if outcome.test_score is None else outcome.test_score,
        **{f"metric.{name}": value for name, value in outcome.metrics.items()},
    }


def _columns(study: Study) -> list[str]:
    """The same for every study, but for the metrics."""
    fixed = "arm loss weighting optimizer schedule learning_rate seed rung phase epochs diverged score test_score"
    return [*fixed.split(), *dict.fromkeys(f"metric.{name}" for o in study.outcomes for name in o.metrics)]

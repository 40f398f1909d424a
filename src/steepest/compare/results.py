"""What a comparison gives back: the verdict, a table, the page, and the records behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steepest.core.citations import Citations
from steepest.report import write as write_page
from steepest.results.cited import citations
from steepest.results.durable import atomic_write
from steepest.results.records import Study, Verdict, as_json_number
from steepest.results.tables import trials, write_trials
from steepest.results.to_optuna import to_optuna
from steepest.results.tracking import log_to

from .again import asked_again
from .ask import Request
from .eject import eject
from .prepare import task_of
from .task import Task
from .winner import Winner, winner_of

if TYPE_CHECKING:
    import pandas


class Results:
    """A finished study. Printing it shows the verdict; in a notebook it shows the table too."""

    def __init__(self, study: Study, folder: Path, request: Request | None = None) -> None:
        """request: what compare was asked; without it model and data are found by the text that named them."""
        if study.verdict is None:
            raise ValueError("the study has no verdict yet")
        self.study, self.folder, self._request = study, folder, request
        self.verdict: Verdict = study.verdict

    def table(self) -> pandas.DataFrame:
        """One row per arm: status, learning rate, scores with 95 % intervals on the select part (race) and the test part."""
        import pandas

        return pandas.DataFrame([arm.plain() for arm in self.verdict.arms]).set_index("name")

    @property
    def winner(self) -> Winner:
        """The winner's trained model: `.predict(rows)`, `.model()`, `.path`. StoreError where none was confirmed."""
        return winner_of(self.study, self.folder, self._request.asked["model"] if self._request else None)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the page; by default report.html in the study's folder."""
        return write_page(self.study, Path(path) if path is not None else self.folder / "report.html")

    def eject(self, path: str | Path = "train.py") -> Path:
        """Write the winner as one plain PyTorch script, which runs without Steepest and reaches the same score.

        It repeats the study's split, initialisation, batch order and dropout; `python train.py --seed 1003` trains
        another confirmed seed and prints what the study measured. Data that no text names lie beside it, as train.npz.
        Raises Unsupported where a model or metric cannot be written, with the repair.
        """
        return eject(self.study, path, self._parts)

    def trials(self) -> pandas.DataFrame:
        """One row per trial: arm and its parts, learning rate, seed, rung, phase, scores, all metrics."""
        return trials(self.study)

    def to_parquet(self, path: str | Path) -> Path:
        """Write `trials()` as Parquet; DataError where pyarrow is not installed."""
        return write_trials(self.study, Path(path).with_suffix(".parquet"))

    def to_optuna(self, storage: Any = None, name: str | None = None) -> Any:
        """An optuna.Study with every trial, its parameters, score and curve: for Optuna's dashboard and plots.

        storage: the path of a journal file, or as optuna.create_study takes it; in memory when not given.
        """
        return to_optuna(self.study, storage, name)

    def log_to(self, tracker: Any) -> None:
        """Write the study to MLflow, `log_to(mlflow)`, or to Weights & Biases, `log_to(wandb.init())`."""
        log_to(self.study, tracker, self.folder / "report.html")

    def cite(self) -> Citations:
        """References of exactly what was used, statistics included; printed as lines and BibTeX (`.text`, `.bibtex`)."""
        return citations(self.study)

    def _parts(self) -> tuple[Request, Task]:
        request = self._request or asked_again(self.study.plan)
        return request, task_of(request)

    def write(self) -> None:
        """report.html and verdict.json in the study's folder, each atomically."""
        atomic_write(
            self.folder / "verdict.json", json.dumps(verdict_json(self.study), indent=2, allow_nan=False) + "\n"
        )
        self.report()

    def __repr__(self) -> str:
        return f"<Results: {self.verdict.sentence}>"

    def __str__(self) -> str:
        return self.verdict.sentence

    def _repr_html_(self) -> str:
        import html

        return f"<p><b>{html.escape(self.verdict.sentence)}</b></p>{self.table().to_html(escape=True)}"


def verdict_json(study: Study) -> dict[str, Any]:
    """Plain JSON; names of durations hold `seconds`, all else is the same when the study is repeated."""
    assert study.verdict is not None
    v = study.verdict
    return {
        "verdict": v.sentence,
        "kind": v.kind,
        "winner": v.winner,
        "runner_up": v.runner_up,
        "baseline": v.baseline,
        "metric": study.plan.metric,
        "best": study.plan.best,
        "unit": study.plan.unit,
        "arms": [_plain(arm.plain()) for arm in v.arms],
        "confirmation": [_plain(d.plain()) for d in v.confirmation],
        "resolution": as_json_number(v.resolution),
        "n_trials": v.n_trials,
        "total_epochs": v.total_epochs,
        "notes": v.notes,
        "data": study.plan.data,
        "model": study.plan.model,
        "budget": study.plan.budget,
        "epochs": study.plan.epochs,
        "seed": study.plan.seed,
        "engine": study.plan.engine,
        "versions": study.plan.versions,
        "command": study.plan.command,
        "seconds": study.seconds,
        "rung_seconds": study.rung_seconds,
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: as_json_number(v) if isinstance(v, float) else v for k, v in values.items()}

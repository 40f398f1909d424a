"""What leaves a study for other programs holds every trial, and reads as they read it."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from contextlib import contextmanager
from typing import Any

import fake_studies
import pandas
import pytest

from steepest.core.errors import DataError, UsageError
from steepest.results.tables import trials, write_trials
from steepest.results.to_optuna import to_optuna
from steepest.results.tracking import log_to


@pytest.fixture(scope="module")
def study():
    return fake_studies.classification()


def test_the_frame_has_a_row_for_every_trial_with_the_parts_of_its_arm(study):
    frame = trials(study)
    assert len(frame) == len(study.outcomes)
    for row, outcome in zip(frame.itertuples(), study.outcomes):
        arm = study.plan.arm(outcome.arm)
        assert (row.arm, row.loss, row.optimizer) == (arm.name, arm.loss, arm.optimizer)
        assert (row.seed, row.learning_rate, row.rung) == (outcome.seed, outcome.learning_rate, outcome.rung)
    confirmed = frame[frame.phase == "confirm"]
    wanted = [o.test_score for o in study.outcomes if o.test_score is not None]
    assert confirmed.test_score.tolist() == pytest.approx(wanted, nan_ok=True)
    assert frame[frame.phase == "search"].test_score.isna().all()


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_a_written_file_reads_back_as_the_frame(study, tmp_path, ending):
    path = write_trials(study, tmp_path / "new" / f"trials{ending}")
    read = {".csv": pandas.read_csv, ".json": pandas.read_json, ".parquet": pandas.read_parquet}[ending]
    # CSV and JSON write decimal digits: pandas' JSON rounds to ten
    pandas.testing.assert_frame_equal(read(path), trials(study), rtol=1e-9, atol=1e-9, check_dtype=False)


def test_without_a_library_for_parquet_the_repair_is_told(study, tmp_path, monkeypatch):
    def refuse(*args: Any, **options: Any) -> None:
        raise ImportError("Unable to find a usable engine")

    monkeypatch.setattr(pandas.DataFrame, "to_parquet", refuse)
    with pytest.raises(DataError, match="pyarrow was needed"):
        write_trials(study, tmp_path / "trials.parquet")


def test_an_unknown_ending_is_refused(study, tmp_path):
    with pytest.raises(UsageError, match="'.xlsx'"):
        write_trials(study, tmp_path / "trials.xlsx")


# -- Optuna ---------------------------------------------------------------------------------------------------------


def test_without_optuna_the_repair_is_told(study, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match="optuna is not installed"):
        to_optuna(study)


def test_optuna_has_every_trial_with_its_parameters_value_and_curve(study, tmp_path):
    optuna = pytest.importorskip("optuna")
    journal = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.log"))
    to_optuna(study, tmp_path / "study.log", "ours")
    read = optuna.load_study(study_name="ours", storage=optuna.storages.JournalStorage(journal))
    assert len(read.trials) == len(study.outcomes)
    for trial, outcome in zip(read.trials, study.outcomes):
        assert trial.params["learning_rate"] == outcome.learning_rate and trial.params["seed"] == outcome.seed
        assert trial.user_attrs["rung"] == outcome.rung
        if outcome.diverged:
            assert trial.state is optuna.trial.TrialState.FAIL
        else:
            assert trial.value == outcome.score
            assert trial.intermediate_values == {round(e): s for e, s in outcome.curve}
    finite = [o.score for o in study.outcomes if not o.diverged]
    assert read.best_value == (max if study.plan.best == "max" else min)(finite)
    assert read.user_attrs["verdict"] == study.verdict.sentence


def test_optunas_dashboard_shows_the_study(study, tmp_path):
    optuna = pytest.importorskip("optuna")
    dashboard = pytest.importorskip("optuna_dashboard")
    journal = tmp_path / "study.log"
    made = to_optuna(study, journal)
    app = dashboard.wsgi(optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal))))
    listed = _get(app, "/api/studies")
    assert [s["study_name"] for s in listed["study_summaries"]] == [made.study_name]
    detail = _get(app, f"/api/studies/{listed['study_summaries'][0]['study_id']}?after=0")
    assert len(detail["trials"]) == len(study.outcomes)
    with_curve = next(t for t in detail["trials"] if t["state"] == "Complete" and t["intermediate_values"])
    assert {p["name"] for p in with_curve["params"]} >= {"loss", "optimizer", "learning_rate"}


def _get(app: Any, path: str) -> Any:
    """What the dashboard's server answers, without a network."""
    from io import BytesIO
    from wsgiref.util import setup_testing_defaults

    place, _, query = path.partition("?")
    environ: dict[str, Any] = {"PATH_INFO": place, "QUERY_STRING": query, "wsgi.input": BytesIO()}
    setup_testing_defaults(environ)
    status: list[str] = []
    body = b"".join(app(environ, lambda code, headers, error=None: status.append(code)))
    assert status[0].startswith("200"), (status, body)
    return json.loads(body)


def test_a_name_that_the_storage_has_is_refused(study, tmp_path):
    pytest.importorskip("optuna")
    to_optuna(_cut(study), f"sqlite:///{tmp_path}/study.db")
    with pytest.raises(UsageError, match="already"):
        to_optuna(_cut(study), f"sqlite:///{tmp_path}/study.db")


# -- MLflow and W&B -------------------------------------------------------------------------------------------------


class FakeMlflow:
    """Writes down what it is told, run by run."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self._open: list[dict[str, Any]] = []

    @contextmanager
    def start_run(self, run_name: str, nested: bool = False) -> Any:
        assert nested == bool(self._open), "MLflow refuses a run inside another that is not nested"
        run = {"name": run_name, "depth": len(self._open), "params": {}, "metrics": [], "tags": {}, "files": []}
        self.runs.append(run)
        self._open.append(run)
        yield run
        self._open.pop()

    def log_params(self, params: dict[str, Any]) -> None:
        assert not self._open[-1]["params"].keys() & params.keys(), "MLflow refuses to change a parameter"
        self._open[-1]["params"].update(params)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert all(math.isfinite(v) for v in metrics.values())
        self._open[-1]["metrics"].append((step, metrics))

    def set_tags(self, tags: dict[str, str]) -> None:
        self._open[-1]["tags"].update(tags)

    def log_artifact(self, path: str) -> None:
        self._open[-1]["files"].append(path)


def test_mlflow_gets_a_run_for_the_study_each_arm_and_each_trial_that_counts(study, tmp_path):
    page = tmp_path / "report.html"
    page.write_text("x")
    fake = FakeMlflow()
    log_to(study, fake, page)
    root, *others = fake.runs
    assert root["tags"]["verdict"] == study.verdict.sentence and root["files"] == [str(page)]
    assert [r["name"] for r in others if r["depth"] == 1] == [a.name for a in study.plan.arms]
    counted = [o for o in study.outcomes if not o.rung.startswith("search")]
    deep = [r for r in others if r["depth"] == 2]
    assert len(deep) == len(counted)
    with_curves = [r for r in deep if any(step is not None for step, _ in r["metrics"])]
    assert len(with_curves) == sum(bool(o.curve) for o in counted)


@pytest.mark.slow  # that MLflow's own store accepts and returns what the fake only writes down
def test_the_real_mlflow_reads_it_back(study, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    few = _cut(study)
    log_to(few, mlflow)
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    counted = [o for o in few.outcomes if not o.rung.startswith("search")]
    assert len(runs) == 1 + len(few.plan.arms) + len(counted)
    root = next(r for r in runs if "mlflow.parentRunId" not in r.data.tags)
    assert root.data.tags["verdict"] == few.verdict.sentence


def _cut(study: Any) -> Any:
    """A few trials: enough to read back."""
    kept = [o for o in study.outcomes if o.rung.startswith("confirm")][:4]
    return dataclasses.replace(study, outcomes=kept)


class FakeRun:
    """A run of W&B: config and summary are dictionaries with update, log takes a dictionary."""

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.logged: list[dict[str, Any]] = []

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)


def test_a_run_of_wandb_gets_plan_verdict_and_mean_curves(study):
    run = FakeRun()
    log_to(study, run)
    assert run.summary["verdict"] == study.verdict.sentence and run.config["metric"] == study.plan.metric
    epochs = [row["epoch"] for row in run.logged]
    assert epochs == sorted(epochs)
    arm = study.verdict.winner
    counted = [o for o in study.outcomes if o.arm == arm and not o.rung.startswith("search") and not o.diverged]
    at_end = [o.curve[-1] for o in counted if o.curve]
    last = max(epoch for epoch, _ in at_end)
    mean = sum(score for epoch, score in at_end if epoch == last) / sum(epoch == last for epoch, _ in at_end)
    told = next(row for row in run.logged if row["epoch"] == last)
    assert told[f"{arm}/select_{study.plan.metric}"] == pytest.approx(mean)


def test_something_else_is_refused_with_both_ways(study):
    with pytest.raises(UsageError, match="mlflow, or a run of wandb") as caught:
        log_to(study, object())
    assert "wandb.init" in caught.value.repair

"""compare from the outside, on real data and small budgets: the verdict, its folder, repetition, resumption, refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from steepest.compare import compare, resume
from steepest.core.errors import (
    DataError,
    MetricError,
    ModelError,
    NotComparable,
    StoreError,
    UnknownName,
    UsageError,
)

SMALL = {"budget": "4000epochs", "epochs": 20, "progress": False}


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wine")
    return compare(
        "linear", "wine", losses="cross_entropy, square", optimizers="sgd(momentum=0.9), adamw", out=folder, **SMALL
    )


def without_times(folder) -> dict:
    verdict = json.loads((folder / "verdict.json").read_text())
    return {k: v for k, v in verdict.items() if "seconds" not in k and "time" not in k}


def test_a_verdict_has_a_sentence_a_winner_and_an_interval(wine):
    first = wine.verdict.confirmation[0]
    assert wine.verdict.winner in wine.verdict.sentence and "95 % CI" in wine.verdict.sentence
    assert first.low <= first.difference <= first.high and first.n >= 10
    assert wine.verdict.winner in (first.a, first.b)


def test_the_folder_holds_page_verdict_and_store(wine):
    names = {p.name for p in wine.folder.iterdir()}
    assert {"report.html", "verdict.json", "store.sqlite"} <= names
    verdict = json.loads((wine.folder / "verdict.json").read_text())
    assert verdict["verdict"] == wine.verdict.sentence and len(verdict["arms"]) == 4
    assert {"difference", "low", "high", "n"} <= set(verdict["confirmation"][0])


def test_the_table_has_a_row_for_every_arm(wine):
    table = wine.table()
    assert len(table) == 4 and table.loc[wine.verdict.winner, "status"] == "winner"
    assert table.loc[wine.verdict.winner, "n_test_seeds"] >= 10


def test_scores_are_those_of_a_model_that_learned(wine):
    best = wine.table().loc[wine.verdict.winner, "test_score"]
    assert 0.9 < best <= 1.0  # wine is nearly separable; guessing the largest class gives 0.4


def test_the_same_study_twice_gives_the_same_verdict_but_for_times(wine, tmp_path):
    again = compare(
        "linear",
        "wine",
        losses="cross_entropy, square",
        optimizers="sgd(momentum=0.9), adamw",
        out=tmp_path / "b",
        **SMALL,
    )
    assert without_times(again.folder) == without_times(wine.folder)


def test_the_same_call_on_a_finished_folder_reads_it(wine):
    begun = (wine.folder / "store.sqlite").stat().st_mtime_ns
    again = compare(
        "linear",
        "wine",
        losses="cross_entropy, square",
        optimizers="sgd(momentum=0.9), adamw",
        out=wine.folder,
        **SMALL,
    )
    assert again.verdict == wine.verdict and (wine.folder / "store.sqlite").stat().st_mtime_ns == begun


def test_another_study_is_not_written_over_this_one(wine):
    before = contents(wine.folder)
    with pytest.raises(StoreError, match="metric"):
        compare("linear", "wine", losses="cross_entropy, square", metric="f1", out=wine.folder, **SMALL)
    assert contents(wine.folder) == before


def contents(folder) -> dict:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"}


def test_the_global_random_numbers_stay_where_they_were(tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    compare("linear", "wine", losses="cross_entropy", optimizers="adamw, sgd", out=tmp_path, **SMALL)
    assert torch.equal(torch.rand(3), expected)


STUDY = """
import sys
from steepest.compare import compare
compare("linear", "wine", losses="cross_entropy, square", optimizers="sgd(momentum=0.9), adamw", out=sys.argv[1],
        budget="4000epochs", epochs=20, progress=False)
"""


@pytest.mark.parametrize("n_rungs", [1, 3])
def test_a_killed_study_resumes_to_the_same_verdict(wine, tmp_path, n_rungs):
    """Buys: kill -9 of a real process; 3 s each."""
    folder = tmp_path / "killed"
    child = subprocess.Popen([sys.executable, "-c", STUDY, str(folder)])
    kill_after_rungs(child, folder, n_rungs)
    results = resume(folder, progress=False)
    assert without_times(folder) | {"command": ""} == without_times(wine.folder) | {"command": ""}
    assert results.verdict == wine.verdict


def kill_after_rungs(child: subprocess.Popen, folder, n_rungs: int) -> None:
    from steepest.results.store import Store, read_study

    end = time.monotonic() + 60
    while time.monotonic() < end and child.poll() is None:
        if Store.exists(folder) and len(read_study(folder).finished_rungs) >= n_rungs:
            os.kill(child.pid, signal.SIGKILL)
            break
        time.sleep(0.005)
    child.wait()


def test_regression_is_scored_in_the_targets_own_unit(tmp_path):
    results = compare("linear", "diabetes", losses="mse, l1", optimizers="adamw", out=tmp_path, **SMALL)
    best = next(a for a in results.verdict.arms if a.name == results.verdict.winner)
    assert results.study.plan.metric == "mean_squared_error" and results.study.plan.best == "min"
    assert 2000 < best.test_score < 5000  # the target's variance is 5930; least squares reaches about 2900


def test_an_own_model_trains_unmodified(tmp_path):
    class Net(nn.Module):
        def __init__(self, n_features: int, n_classes: int) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, n_classes))

        def forward(self, x):
            return self.layers(x)

    results = compare(Net, "wine", losses="cross_entropy, focal", optimizers="adamw", out=tmp_path, **SMALL)
    assert results.study.plan.model.endswith("Net") and results.verdict.winner


def test_a_fixed_baseline_competes_as_it_is_and_tuned(tmp_path):
    baseline = "mse + sgd(lr=0.01, momentum=0.9)"
    results = compare("linear", "diabetes", losses="mse", optimizers="adamw", baseline=baseline, out=tmp_path, **SMALL)
    names = [a.name for a in results.verdict.arms]
    assert names == ["mse + adamw", "mse + sgd(lr=0.01, momentum=0.9)", "mse + sgd(momentum=0.9)"]
    fixed = results.study.plan.arm(names[1])
    assert fixed.is_baseline and fixed.fixed_learning_rate and fixed.learning_rates == [0.01]


class Narrow(nn.Linear):
    def __init__(self) -> None:
        super().__init__(13, 2)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"losses": "cros_entropy, mse"}, UnknownName, "Did you mean 'cross_entropy'"),
        ({"optimizers": "adamv"}, UnknownName, "Did you mean"),
        ({"metric": "val_loss"}, NotComparable, "its own unit"),
        ({"metric": "r2"}, MetricError, "classification"),
        ({"metric": "acuracy"}, UnknownName, "accuracy"),
        ({"losses": "cross_entropy", "optimizers": "adamw"}, UsageError, "nothing to compare"),
        ({"budget": "soon"}, UsageError, "60s"),
        ({"budget": "20epochs"}, UsageError, "at least"),
        ({"seeds": 1}, UsageError, "luck"),
        ({"model": Narrow}, ModelError, "3 outputs"),
        ({"data": (torch.randn(40, 13), torch.zeros(40, dtype=torch.long))}, DataError, "two classes"),
        ({"losses": "focal(gamma=-1), cross_entropy"}, ValueError, "gamma"),
        ({"losses": "focal(gama=1), cross_entropy"}, UsageError, "Did you mean 'gamma'"),
        ({"losses": "focal(gamma=1"}, UsageError, "cannot be read"),
        ({"baseline": "adamw"}, UsageError, "loss . optimizer"),
        ({"engine": "warp"}, UsageError, "stacked"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(tmp_path, change, error, words):
    asked = {
        "model": "linear",
        "data": "wine",
        "losses": "cross_entropy, focal",
        "optimizers": "adamw",
        **SMALL,
        **change,
    }
    out = tmp_path / "study"
    with pytest.raises(error, match=words) as refused:
        compare(asked.pop("model"), asked.pop("data"), out=out, **asked)
    assert refused.value.repair and not out.exists()


def test_of_several_metrics_the_first_decides_and_the_others_are_reported(tmp_path):
    asked = {"losses": "cross_entropy", "optimizers": "adamw, sgd(momentum=0.9)", "seeds": 3, **SMALL}
    found = compare("linear", "wine", metric="balanced_accuracy, log_loss, auroc", out=tmp_path, **asked)
    assert found.study.plan.metric == "balanced_accuracy"
    assert set(found.study.outcomes[-1].metrics) == {"balanced_accuracy", "log_loss", "auroc"}
    page = (tmp_path / "report.html").read_text()
    assert "log_loss" in page and "auroc" in page


def test_after_the_search_the_study_says_what_it_will_be_able_to_tell_in_the_metrics_unit(wine):
    said = [e for e in wine.study.events if e.kind == "forecast"]
    assert len(said) == 1 and "points of accuracy in 4 of 5 cases" in said[0].reason
    assert 0 < said[0].evidence["resolution"] < 0.2

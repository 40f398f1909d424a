"""The weights that a study keeps: they are the model that was measured, and damage to them is told."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file
from small_studies import WINE
from torch import nn

from steepest.compare import compare, winner
from steepest.core.errors import ModelError, StoreError
from steepest.data import load
from steepest.results.records import Plan


class Net(nn.Module):
    """Batch statistics are buffers, and the two layers share their weights."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features)
        self.first = nn.Linear(n_features, n_features)
        self.second = nn.Linear(n_features, n_features)
        self.second.weight = self.first.weight
        self.last = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.last(self.second(self.first(self.norm(x)).relu()))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    asked = {**WINE, "model": Net, "losses": "cross_entropy", "seeds": 3, "epochs": 10}
    return compare(**{**asked, "budget": "2000epochs"}, out=folder)


def parts(seed: int):
    """Rows and classes of the seed's own parts, split by the task itself."""
    from small_studies import ask_for

    from steepest.compare.prepare import prepared
    from steepest.core.progress import Silent

    return prepared(ask_for(model=Net), None, Silent()).trainer.task.split(seed)


def test_the_kept_model_reaches_the_scores_that_the_study_recorded(study):
    best, data = study.winner, load("wine")
    split = parts(best.seed)
    for rows, score in ((split.select, best.select_score), (split.test, best.test_score)):
        right = (best.predict(data.x[rows]) == data.y[rows]).sum().item()
        assert right / len(rows) == pytest.approx(score, abs=1e-12)


def test_the_seed_is_the_one_with_the_best_select_score(study):
    own = [o for o in study.study.outcomes if o.rung == "confirm" and o.arm == study.verdict.winner]
    best = max(own, key=lambda o: (o.score, -o.seed))
    assert (study.winner.seed, study.winner.select_score, study.winner.test_score) == (
        best.seed,
        best.score,
        best.test_score,
    )


def test_the_file_loads_into_the_plain_module_without_steepest(study):
    model = Net(13, 3)
    model.load_state_dict(load_file(study.winner.path))
    x = study.winner.x_scale.apply(load("wine").x)
    with torch.no_grad():
        assert torch.equal(model.eval()(x), study.winner.model()(x))


def test_every_finalist_is_kept_and_a_folder_is_enough_to_load_one(study):
    finalists = {d.a for d in study.verdict.confirmation} | {d.b for d in study.verdict.confirmation}
    for arm in finalists:
        assert winner.load(study.folder, model=Net, arm=arm).arm == arm
    with pytest.raises(StoreError, match="Kept are"):
        winner.load(study.folder, model=Net, arm="no such arm")


def test_a_study_of_an_object_says_how_to_load_its_model(study):
    with pytest.raises(StoreError, match=r"load\(folder, model=Net\)"):
        winner.load(study.folder)


def test_another_model_than_the_studys_is_refused_by_name(study):
    with pytest.raises(ModelError, match="do not fit the model"):
        winner.load(study.folder, model="linear").model()


@pytest.mark.parametrize("damage", ["removed", "cut off", "a flipped byte"])
def test_damaged_weights_are_told_and_not_loaded(study, damage):
    path = study.winner.path
    whole = path.read_bytes()
    middle = len(whole) // 2
    try:
        if damage == "removed":
            path.unlink()
        else:
            flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
            path.write_bytes(flipped if "flipped" in damage else whole[:-1])
        with pytest.raises(StoreError, match="weights") as refusal:
            _ = study.winner
        assert str(path) in str(refusal.value) and "The verdict and the page do not need it" in str(refusal.value)
    finally:
        path.write_bytes(whole)


def test_a_folder_that_cannot_hold_weights_is_told(study, tmp_path):
    (tmp_path / winner.FOLDER).write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="something else has this name"):
        winner.keep(tmp_path, "confirm", {"arm": study.winner.path.read_bytes()})


@pytest.mark.slow
def test_a_regression_predicts_in_the_targets_own_unit(tmp_path):
    results = compare(
        "linear", "diabetes", losses="mse, huber", optimizers="adamw", budget="2500epochs", epochs=10, seeds=3,
        out=tmp_path, progress=False,
    )  # fmt: skip
    data, best = load("diabetes"), results.winner
    error = (best.predict(data.x) - data.y).square().mean().item()
    assert math.sqrt(error) < data.y.std().item() and error == pytest.approx(best.test_score, rel=0.5)


def test_of_two_files_of_an_arm_the_better_score_is_kept_and_of_equal_ones_the_lower_seed():
    def file(score: float, seed: int) -> bytes:
        import json

        from safetensors.torch import save

        facts = {"select_score": score, "seed": seed}
        return save({"w": torch.zeros(1)}, metadata={"steepest": json.dumps(facts)})

    plan = object.__new__(Plan)
    object.__setattr__(plan, "best", "max")
    low, high, late = file(0.1, 0), file(0.2, 5), file(0.2, 9)
    assert winner.better_of(plan, low, high) == winner.better_of(plan, high, low) == high
    assert winner.better_of(plan, late, high) == winner.better_of(plan, high, late) == high
    object.__setattr__(plan, "best", "min")
    assert winner.better_of(plan, low, high) == winner.better_of(plan, high, low) == low

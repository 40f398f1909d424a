"""A run that dies anywhere and is started again ends with the bits of the run that was never disturbed."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from steepest.core.errors import StoreError, UsageError
from steepest.fit import checkpoint, fit, judge, loop


class Dead(Exception):
    """The process is gone."""


@pytest.fixture(autouse=True)
def save_at_every_step(monkeypatch):
    monkeypatch.setattr(loop, "BEAT_S", -1.0)


@pytest.fixture(scope="module")
def xy():
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(130, 5, generator=draw)
    return x, (x @ torch.randn(5, 3, generator=draw)).argmax(1)


def run(xy, out, dies_at=None, source="rows", **options):
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))

    def die(event):
        if event.kind == "step" and event.step == dies_at:
            raise Dead

    data = xy if source == "rows" else DataLoader(TensorDataset(*xy), batch_size=32, shuffle=True)
    asked = {
        "optimizer": "adamw(lr=0.01)",
        "loss": "cross_entropy",
        "epochs": 3,
        "batch_size": 32,
        "metrics": "accuracy",
        **options,
    }
    history = None
    try:
        history = fit(
            model,
            data,
            validation=(xy[0][:30], xy[1][:30]),
            out=out,
            callbacks=die,
            checkpoint_s=0.0,
            progress=False,
            **asked,
        )
    except Dead:
        pass
    return model.state_dict(), history


def told(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


OPTIONS = [
    {},
    {"source": "loader"},
    {"ema": 0.9},
    {"accumulate": 3, "clip_norm": 0.5},
    {"precision": "float16"},
    {"optimizer": "sgd(momentum=0.9, lr=0.5)", "patience": 1, "source": "loader"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o)) or "plain")
def test_a_run_that_dies_at_any_step_ends_like_the_undisturbed_one(xy, tmp_path, options):
    weights, history = run(xy, tmp_path / "whole", **options)
    for place in (1, 5, 9):
        folder = tmp_path / str(place)
        run(xy, folder, dies_at=place, **options)
        again, rest = run(xy, folder, **options)
        assert all(torch.equal(weights[name], again[name]) for name in weights), place
        assert told(rest) == told(history) and rest.stopped == history.stopped
        assert rest.best_epoch == history.best_epoch


def test_a_finished_run_is_read_and_not_trained_again(xy, tmp_path):
    weights, history = run(xy, tmp_path)
    again, same = run(xy, tmp_path, dies_at=1)  # a step would kill it
    assert told(same) == told(history)
    assert all(torch.equal(weights[name], again[name]) for name in weights)


@pytest.mark.parametrize("harm", ["torn tensors", "torn text", "flipped", "empty", "missing tensors"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(xy, tmp_path, harm):
    weights, _ = run(xy, tmp_path / "whole")
    run(xy, tmp_path / "hurt", dies_at=7)
    newest = max((tmp_path / "hurt" / "checkpoints").glob("*.json"))
    tensors = newest.with_suffix(".safetensors")
    if harm == "torn tensors":
        tensors.write_bytes(tensors.read_bytes()[:-100])
    elif harm == "torn text":
        newest.write_bytes(newest.read_bytes()[:-1])
    elif harm == "flipped":
        content = bytearray(tensors.read_bytes())
        content[-5] ^= 1
        tensors.write_bytes(bytes(content))
    elif harm == "empty":
        newest.write_bytes(b"")
    else:
        tensors.unlink()
    again, history = run(xy, tmp_path / "hurt")
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert any("is damaged" in note for note in history.notes)


def test_a_damaged_generation_is_not_one_of_the_two_that_are_kept(tmp_path):
    """Else a single whole one stood beside it, and the next damage would leave none."""

    def damage(number):
        path = tmp_path / f"{number:08}.json"
        path.write_bytes(path.read_bytes()[:-1])

    for number in (1, 2):
        checkpoint.save(tmp_path, number, {"step": number})
    damage(2)
    assert checkpoint.newest(tmp_path)[0] == {"step": 1}
    checkpoint.save(tmp_path, 3, {"step": 3})
    damage(3)
    assert checkpoint.newest(tmp_path)[0] == {"step": 1}


def test_when_all_checkpoints_are_damaged_nothing_is_begun_in_silence(xy, tmp_path):
    run(xy, tmp_path, dies_at=7)
    for path in (tmp_path / "checkpoints").glob("*.json"):
        path.write_text("{}")
    with pytest.raises(StoreError, match="all 2 checkpoints are damaged"):
        run(xy, tmp_path)


def test_another_run_in_the_same_folder_is_refused_by_what_differs(xy, tmp_path):
    run(xy, tmp_path, dies_at=5)
    with pytest.raises(UsageError, match="epochs 3 and now it is 4"):
        run(xy, tmp_path, epochs=4)
    with pytest.raises(UsageError, match="optimizer"):
        run(xy, tmp_path, optimizer="sgd(lr=0.1)")
    with pytest.raises(UsageError, match="class_weight None and now it is"):
        run(xy, tmp_path, class_weight=[1.0, 2.0, 3.0])
    with pytest.raises(UsageError, match="compile False and now it is True"):
        run(xy, tmp_path, compile=True)


def test_two_generations_are_kept_and_no_temporary_file(xy, tmp_path):
    run(xy, tmp_path)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert len(names) == 4 and all(name.endswith((".json", ".safetensors")) for name in names)


def test_any_state_comes_back_as_it_was(tmp_path):
    state = {
        "a": [1, 2.5, float("inf"), None, True, "x"],
        "b": {0: torch.arange(3), (1, "k"): (torch.ones(2, dtype=torch.bfloat16), [])},
        "$tensor": {"x": 1},
    }
    checkpoint.save(tmp_path, 3, state)
    found, notes = checkpoint.newest(tmp_path)
    assert notes == [] and found["a"] == state["a"] and found["$tensor"] == {"x": 1}
    assert torch.equal(found["b"][0], torch.arange(3)) and list(found["b"]) == [0, (1, "k")]
    assert found["b"][1, "k"][0].dtype == torch.bfloat16 and found["b"][1, "k"][1] == []
    with pytest.raises(StoreError, match="holds a set"):
        checkpoint.save(tmp_path, 4, {"bad": {1, 2}})


class Right:
    """As torchmetrics' metrics are: numbers and lists of tensors, told by metric_state."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.hits, self.seen, self._update_count, self._computed = torch.zeros(()), [], 0, None

    def update(self, output, target):
        self.hits = self.hits + (output.argmax(1) == target).sum()
        self.seen.append(torch.tensor(len(target)))
        self._update_count += 1

    def compute(self):
        return self.hits / sum(self.seen)

    @property
    def metric_state(self):
        return {"hits": self.hits, "seen": self.seen}


@pytest.mark.parametrize("dies_at", [2, 7])
def test_a_foreign_metric_goes_on_in_the_middle_of_an_epoch(xy, tmp_path, monkeypatch, dies_at):
    monkeypatch.setattr(judge, "KEPT_NUMBERS", 1)  # counted at each step
    _, whole = run(xy, tmp_path / "whole", metrics=[Right(), "accuracy"])
    run(xy, tmp_path / "cut", dies_at=dies_at, metrics=[Right(), "accuracy"])
    _, again = run(xy, tmp_path / "cut", metrics=[Right(), "accuracy"])
    assert again["Right"] == whole["Right"] == pytest.approx(whole["accuracy"], rel=1e-6)

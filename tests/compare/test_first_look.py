"""What compare refuses before it measures the machine: mistakes that no training survives, and folders that take no files."""

from __future__ import annotations

import pytest
import torch
from kinds import TASKS, task_of
from torch import nn

from steepest import data, losses, metrics, optim
from steepest.check import CheckFailed
from steepest.compare import Arm, compare
from steepest.compare.first_look import leaks_of, refuse_mistakes
from steepest.compare.suits import FITTING
from steepest.compare.task import Task
from steepest.core.errors import DataError, StoreError, UsageError
from steepest.optim import schedules


class Hidden(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(13, 3)]
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return self.layers[0](x) + self.bias


def softmax_first() -> nn.Module:
    return nn.Sequential(nn.Linear(13, 3), nn.Softmax(1))


WINE = {"losses": "cross_entropy, focal", "optimizers": "adamw", "budget": "4000epochs", "epochs": 8, "progress": False}


@pytest.mark.parametrize(("model", "code"), [(softmax_first, "L01"), (Hidden, "P01")])
def test_a_model_that_cannot_learn_with_a_loss_is_refused_before_anything_is_written(tmp_path, model, code):
    with pytest.raises(CheckFailed, match=code) as refused:
        compare(model, "wine", out=tmp_path / "no", **WINE)
    assert "check=False" in refused.value.repair and not (tmp_path / "no").exists()


@pytest.mark.slow
def test_without_the_check_it_trains_all_the_same(tmp_path):
    """Buys: the flag's whole way; 3 s."""
    found = compare(softmax_first, "wine", out=tmp_path, check=False, seeds=3, **WINE)
    assert found.verdict.sentence


def arm(name: str) -> Arm:
    return Arm(loss=losses[name], rule=optim.sgd, schedule=schedules.constant)


@pytest.mark.parametrize("name", TASKS)
def test_no_sound_pair_is_refused(name):
    task = task_of(name, torch.float32)
    refuse_mistakes(task, [arm(loss) for loss in FITTING[task.kind].split(", ")])


def test_losses_that_need_class_counts_are_given_them():
    task = Task(lambda: nn.Linear(13, 3), data.load("wine"), metrics.accuracy)
    refuse_mistakes(task, [arm("balanced_softmax"), arm("ldam"), arm("logit_adjusted")])


def test_a_place_that_takes_no_files_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="is no folder|cannot be written"):
        compare("linear", "wine", out=tmp_path / "file" / "study", **WINE)
    with pytest.raises(StoreError, match="cannot be written"):
        compare("linear", "wine", out="/proc/study", **WINE)


def drawn(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))
    return x, (x[:, 0] > 0).long()


def told_of(x: torch.Tensor, y: torch.Tensor) -> list[str]:
    return leaks_of(Task(lambda: nn.Linear(x.shape[1], 2), data.load((x.numpy(), y.numpy())), metrics.accuracy))


def test_test_rows_that_are_trained_on_and_a_column_that_is_the_target_are_told():
    x, y = drawn(100)
    assert told_of(x, y) == []
    (copies,) = told_of(torch.cat([x, x]), torch.cat([y, y]))
    assert "test rows are also trained on" in copies
    (column,) = told_of(torch.cat([x, 2.0 * y.unsqueeze(1) - 5], 1), y)
    assert "Column 3" in column


def test_a_study_says_what_the_data_give_away_and_keeps_it(tmp_path):
    x, y = drawn(40)
    twice = (torch.cat([x, x]).numpy(), torch.cat([y, y]).numpy())
    asked = {"losses": "cross_entropy", "optimizers": "sgd, adamw", "epochs": 2, "seeds": 3, "budget": "1000epochs"}
    results = compare("linear", twice, out=tmp_path, progress=False, **asked)
    assert [e.reason for e in results.study.events if e.kind == "data"] == told_of(*map(torch.from_numpy, twice))
    assert "test rows are also trained on" in (tmp_path / "report.html").read_text("utf-8")


def test_features_that_never_differ_are_refused():
    with pytest.raises(DataError, match="all 30 rows of the features are the same"):
        compare("linear", (torch.ones(30, 2).numpy(), (torch.arange(30) % 2).numpy()), **WINE)


def test_an_option_by_its_other_name_is_understood():
    with pytest.raises(UsageError, match="one of lr, momentum, dampening, nesterov, weight_decay was needed") as said:
        compare("linear", "wine", losses="cross_entropy", optimizers="sgd(learning_rate=0.1), adamw", progress=False)
    assert said.value.repair == "Did you mean 'lr'?"

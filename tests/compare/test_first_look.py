"""What compare refuses before it measures the machine: mistakes that no training survives, and folders that take no files."""

from __future__ import annotations

import pytest
import torch
from kinds import TASKS, task_of
from torch import nn

from steepest import data, losses, metrics, optim
from steepest.check import CheckFailed
from steepest.compare import Arm, compare
from steepest.compare.first_look import refuse_mistakes
from steepest.compare.suits import FITTING
from steepest.compare.task import Task
from steepest.core.errors import StoreError
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

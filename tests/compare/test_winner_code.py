"""The code of a winner runs as it is printed, for each loss of class counts, each weighting and each optimizer."""

from __future__ import annotations

from functools import lru_cache

import pytest
import torch

from steepest import data, losses, optim
from steepest.compare.ask import ask
from steepest.compare.prepare import prepared
from steepest.core.progress import Silent
from steepest.losses import weightings
from steepest.report.torch_code import torch_code
from steepest.results.records import ArmRecord, Plan

TAKES_COUNTS = [item.name for item in losses if "class_counts" in item.hyper]
OPTIMIZERS = [item.name for item in optim if not item.solo_only]


@lru_cache(maxsize=None)
def plan_of(**chosen: str) -> Plan:
    """What a study of these on three classes of wine decides before it trains."""
    asked = {"losses": "cross_entropy", "weightings": "none", "optimizers": "adamw", "schedules": "constant", **chosen}
    asked |= {"model": "linear", "data": "wine", "metric": "accuracy", "budget": "1000000epochs", "seeds": "auto"}
    asked |= {"baseline": None, "seed": 0, "rope": None, "task": None, "batch_size": 64, "epochs": 3, "engine": "loop"}
    return prepared(ask(**asked), command=None, bar=Silent()).plan


def run(plan: Plan, arm: ArmRecord) -> str:
    """The printed script, executed on the data of the study with a model that the user brings; it trains that model."""
    rows = data.load("wine")
    x, y = torch.as_tensor(rows.x, dtype=torch.float32), torch.as_tensor(rows.y)
    x = (x - x.mean(0)) / x.std(0)
    torch.manual_seed(0)
    model = torch.nn.Linear(x.shape[1], 3)
    before = model.weight.detach().clone()
    code = torch_code(plan, arm, 0.01)
    exec(code, {"model": model, "x_train": x, "y_train": y})
    assert bool(model.weight.isfinite().all()) and not torch.equal(model.weight, before)
    return code


@pytest.mark.parametrize("name", TAKES_COUNTS)
@pytest.mark.parametrize("weighting", ["none", "square_root"])
def test_a_loss_that_needs_class_counts_gets_them(name, weighting):
    plan = plan_of(losses=", ".join(TAKES_COUNTS), weightings="none, square_root")
    arm = next(a for a in plan.arms if (a.loss, a.weighting) == (name, weighting))
    code = run(plan, arm)
    assert code.count("torch.bincount(y_train") == 1 and "class_counts=class_counts" in code


@pytest.mark.parametrize("name", [item.name for item in weightings])
def test_a_weighting_is_made_as_the_study_made_it(name):
    plan = plan_of(weightings=", ".join(item.name for item in weightings))
    arm = next(a for a in plan.arms if a.weighting == name)
    assert (f"{arm.weighting_gives} = weightings.{name}(" in run(plan, arm)) == (name != "none")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_called_by_its_class(name):
    plan = plan_of(optimizers=", ".join(OPTIMIZERS))
    run(plan, next(a for a in plan.arms if a.optimizer == name))

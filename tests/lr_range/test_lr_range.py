"""The range test: rates and edges known in closed form, all forms of data, the page and the command."""

from __future__ import annotations

import json
import math
import re

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from typer.testing import CliRunner

import steepest as st
from steepest.cli import app
from steepest.core.errors import DomainError, UnknownName, UsageError
from steepest.lr_range import Curve

N = 200


def a_line():
    """One feature; standardised, its squared error has the curvature 2 in the slope and in the offset."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, 1, generator=generator)
    return x, 3 * x[:, 0] + 1 + 0.1 * torch.randn(N, generator=generator)


def range_of_a_line(**options):
    given = {
        "losses": "mse",
        "optimizers": "sgd",
        "rates": (0.01, 10.0),
        "steps": 60,
        "batch_size": N,
        "progress": False,
    }
    return st.lr_range("linear", a_line(), **{**given, **options})


def test_gradient_descent_on_a_line_diverges_from_one_on_and_is_quickest_at_one_half():
    (curve,) = range_of_a_line(n_rates=31).curves  # ten rates per decade, 1.0 among them
    assert len(curve.rates) == 31 and curve.rates[20] == 1.0
    # the curvature 2 lets an error grow by |1 - 2 lr| per step: 1 at lr = 1, exactly 0 at 1/2
    assert curve.edge == pytest.approx(10**0.1, rel=1e-2)
    assert all(math.isnan(m) or m > 100 * curve.first for m in curve.means[26:])
    (curve,) = range_of_a_line(n_rates=31, steps=2).curves  # the loss after one step
    assert curve.best == pytest.approx(10**-0.3, rel=1e-2) and curve.suggested < curve.best


def test_runs_are_those_of_a_plain_loop():
    (curve,) = range_of_a_line(rates=(0.05, 0.2), n_rates=3, steps=8, seeds=1).curves
    x, y = a_line()
    task = st.compare.task.Task(
        lambda: nn.Linear(1, 1), st.data.load((x, y)), st.metrics.mean_squared_error, batch_size=N
    )
    part, model = task.train_set(0), task.build(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(8):
        loss = nn.functional.mse_loss(model(part.x)[:, 0], part.y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert curve.first == pytest.approx(losses[0], rel=1e-5)
    assert curve.losses[1][0] == pytest.approx(sum(losses[-2:]) / 2, rel=1e-4)


def test_each_optimizer_and_loss_has_a_curve_on_its_own_grid():
    found = st.lr_range(
        "mlp",
        "wine",
        optimizers="adamw, sgd(momentum=0.9|0.5)",
        losses="cross_entropy, focal",
        n_rates=5,
        steps=10,
        seeds=2,
        progress=False,
    )
    assert len(found.curves) == 6 and set(found.suggested) == {c.name for c in found.curves}
    assert found.curves[0].rates == (1e-5, 1e-4, 1e-3, 1e-2, 0.1)  # a decade around 1e-4 to 1e-2
    assert all(len(c.losses) == 5 and len(c.losses[0]) == 2 for c in found.curves)
    assert "focal + adamw" in str(found) and str(found).count("learning rate") == 6


@pytest.mark.parametrize("form", ["arrays", "dataset", "loader", "table", "name"])
def test_all_forms_of_data_are_taken(form, tmp_path):
    x, y = a_line()
    (tmp_path / "line.csv").write_text("x,y\n" + "\n".join(f"{a},{b}" for a, b in zip(x[:, 0].tolist(), y.tolist())))
    data = {
        "arrays": (x.numpy(), y.numpy()),
        "dataset": TensorDataset(x, y),
        "loader": DataLoader(TensorDataset(x, y), batch_size=16),
        "table": f"{tmp_path}/line.csv:y",
        "name": "diabetes",
    }[form]
    found = st.lr_range("linear", data, optimizers="sgd", n_rates=3, steps=3, seeds=1, progress=False)
    assert found.curves[0].loss == "mse"


def test_curves_say_what_is_nearly_as_good_as_the_best_and_where_the_grid_ends():
    rates = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    curve = Curve("mse", "sgd", rates, ((9.0, 9.2), (1.5, 1.7), (1.0, 1.1), (2.0, math.nan), (math.nan, 50.0)), 10.0)
    assert curve.best == 1e-2 and curve.suggested == 1e-3  # 1.6 is within a tenth of the fall from 10 to 1.05
    assert curve.edge == 1e-1 and math.isnan(curve.means[3])
    rising = Curve("mse", "sgd", rates, ((9.0,), (8.0,), (7.0,), (6.0,), (5.0,)), 10.0)
    assert rising.edge is None and rising.is_at_edge == "highest"
    nothing = Curve("mse", "sgd", rates, ((10.5,),) * 5, 10.0)
    assert nothing.suggested is None and nothing.best is None


def test_what_makes_no_sense_is_refused():
    for bad in ({"rates": (1.0, 0.1)}, {"rates": (0.0, 0.1)}, {"steps": 0}, {"n_rates": 2}, {"seeds": 0}):
        with pytest.raises(DomainError, match="lr_range"):
            range_of_a_line(**bad)
    with pytest.raises(UnknownName):
        range_of_a_line(optimizers="sdg")
    with pytest.raises(UsageError, match="names its learning rate"):
        range_of_a_line(optimizers="sgd(lr=0.1)")


def test_a_model_that_is_always_nan_learns_at_no_rate():
    class Broken(nn.Linear):
        def forward(self, x):
            return super().forward(x) * torch.nan

    found = st.lr_range(lambda: Broken(1, 1), a_line(), optimizers="sgd", n_rates=3, steps=4, progress=False)
    assert "no rate brought the loss below its start" in str(found)


def test_the_page_holds_all_numbers_and_the_command_draws_it(tmp_path):
    page = tmp_path / "there" / "lr.html"
    words = "lr linear --data wine --optimizers adamw --steps 5 --rates 4 --seeds 1 --lowest 1e-3 --highest 1 --out"
    result = CliRunner().invoke(app, [*words.split(), str(page)])
    assert result.exit_code == 0, result.output
    assert "cross_entropy + adamw" in result.output and f"Page:    {page}" in result.output
    text = page.read_text()
    numbers = json.loads(re.search(r'id="study">(.*?)</script>', text, re.DOTALL)[1])
    assert numbers["curves"][0]["rates"] == [1e-3, 1e-2, 1e-1, 1.0]
    assert "<svg" in text and "src=" not in text and "steepest lr linear --data wine" in text
    half = CliRunner().invoke(app, ["lr", "--data", "wine", "--lowest", "1e-3"])
    assert half.exit_code == 2


def test_a_rate_too_low_to_learn_is_not_called_diverged():
    losses = ((1.02, 1.01), (0.99, 1.01), (0.4, 0.6), (0.7, 1.3), (5.0, math.nan))
    curve = Curve("mse", "sgd", (1e-6, 1e-5, 1e-2, 1e-1, 1.0), losses, first=1.0)
    assert curve.best == 1e-2 and curve.n_lost == (0, 0, 0, 1, 2) and curve.edge == 1e-1

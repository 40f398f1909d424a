"""An ejected script trains the model that the study trained, and needs nothing of ours."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache, partial
from typing import Any

import pytest
import torch
from torch import nn

import steepest as st
from steepest import losses, optim
from steepest.compare.ask import Request, ask
from steepest.compare.eject.script import Script, Subject, write
from steepest.compare.population import Population
from steepest.compare.prepare import prepared
from steepest.compare.task import Task
from steepest.compare.trial import Trial
from steepest.core.errors import Unsupported
from steepest.core.progress import Silent
from steepest.losses import weightings
from steepest.optim import schedules, transforms

SEED = 1000


def asked(**chosen: Any) -> tuple[Any, Request, Task]:
    """Plan, request and task of a study that is never run."""
    words = {"losses": "cross_entropy, focal", "weightings": "none", "optimizers": "adamw", "schedules": "constant"}
    words |= {
        "model": "mlp(width=8, depth=1)",
        "data": "wine",
        "metric": None,
        "baseline": None,
        "seed": 0,
        "rope": None,
    }
    words |= {
        "budget": "10000000epochs",
        "seeds": "auto",
        "task": None,
        "batch_size": 32,
        "epochs": 3,
        "engine": "loop",
    }
    request = ask(**{**words, **chosen})
    study = prepared(request, command=None, bar=Silent())
    return study.plan, request, study.trainer.task


def written(plan: Any, request: Request, task: Task, arm: Any, lr: float) -> Script:
    return write(Subject(plan, arm, lr, task, request.build, request.asked["data"], {SEED: 0.5}))


def defined_by(text: str, folder: Any = None) -> dict[str, Any]:
    """The names of the script, executed as a module of its own."""
    import types

    module = types.ModuleType("ejected")
    module.__file__ = str(folder / "train.py") if folder else "train.py"
    sys.modules["ejected"] = module
    exec(compile(text, "train.py", "exec"), module.__dict__)
    return module.__dict__


def worst_difference(plan: Any, request: Request, task: Task, choice: Any) -> float:
    """Between the weights of the script and those of the population after all steps, in units of the largest weight."""
    lr = choice.learning_rates[len(choice.learning_rates) // 2]
    names = defined_by(written(plan, request, task, choice.arm, lr).text)
    found = names["train"](*names["load"](), SEED).state_dict()
    population = Population(task, [Trial(choice.arm, lr, SEED)], horizon=3 * task.steps_per_epoch, engine="loop")
    population.train(3 * task.steps_per_epoch)
    pairs = [(found[n], v) for n, v in population.model(0).state_dict().items()]
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-12)) for a, b in pairs)


KINDS = ("classes", "binary", "distribution", "same")
NEITHER = ("hinge_embedding", "cosine_embedding", "expectile", "mape", "forward_correction")
"""Of embeddings; of positive numbers alone; of a table that a user has measured."""
CLASS_LOSSES = [
    item.name
    for item in losses
    if item.target.name in KINDS and item.expects in ("logits", "values", "scores") and item.name not in NEITHER
]
RULES = [item.name for item in optim if not item.solo_only]
SHARP = {"muon": 1e-4, "soap": 5e-2}
"""A normalised gradient near zero, and axes of a gradient of fewer directions, turn with its last digit."""
QUICK = [
    ("losses", "focal(gamma=1.0, label_smoothing=0.1)"),
    ("losses", "cross_entropy + 0.5*square"),
    ("losses", "2.0*huber(delta=0.5) + ldam"),
    ("losses", "learned*cross_entropy + learned*huber"),
    ("weightings", "focal_style"),
    ("weightings", "square_root"),
    ("weightings", "logit_adjustment(after=0.5)"),
    ("weightings", "effective_number(after=0.5)"),
    ("optimizers", "lion(weight_decay=0.1)"),
    ("optimizers", "prodigy"),
    ("optimizers", "adamw(beta1=0.8) + lookahead(2) + cautious"),
    ("optimizers", "sgd + sam(0.1) + clip_norm(0.5) + ema(0.9)"),
]
SLOW = [
    ("losses", "bce_with_logits(pos_weight=2.0)"),
    ("losses", "huber(delta=0.5)"),
    ("optimizers", "sgd(momentum=0.9, nesterov=True, weight_decay=0.1)"),
    *(("losses", name) for name in CLASS_LOSSES),
    *(("weightings", item.name) for item in weightings),
    *(("schedules", item.name) for item in schedules),
    *(("optimizers", name) for name in RULES),
    *(("optimizers", f"adamw + {item.name}") for item in transforms if not item.decays),
]


def beside(text: str) -> str:
    """Two arms, as a comparison wants: the loss in question comes first."""
    return f"{text}, {'l1' if text == 'mse' else 'mse'}"


def holds(kind: str, text: str) -> None:
    plan, request, task = asked(**{kind: text})
    choice = request.arms[0]
    # float32 after 12 steps, sums in another order
    assert worst_difference(plan, request, task, choice) < SHARP.get(choice.arm.rule.name, 1e-5)


@pytest.mark.parametrize(("kind", "text"), QUICK)
def test_the_script_trains_the_model_of_the_study(kind, text):
    holds(kind, beside(text) if kind == "losses" else text)


@pytest.mark.parametrize(
    "optimizer", ["adagrad(weight_decay=0.1)", "lion + clip_norm(0.1)", "sgd + sam(0.1)", "prodigy"]
)
def test_factors_that_are_learned_step_in_the_script_as_in_the_study(optimizer):
    plan, request, task = asked(losses="learned*cross_entropy + learned*mse, mse", optimizers=optimizer)
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5  # float32, sums in another order


@pytest.mark.slow  # each item of the catalogue: 40 s in all
@pytest.mark.parametrize(("kind", "text"), SLOW)
def test_the_script_trains_the_model_of_the_study_for_each_item(kind, text):
    holds(kind, beside(text) if kind == "losses" else text)


@pytest.mark.parametrize("loss", ["l1", "quantile(tau=0.3)"])
def test_a_regression_is_trained_and_scored_in_the_units_of_the_study(loss):
    plan, request, task = asked(data="diabetes", losses=f"{loss}, mse", metric="mean_squared_error")
    choice = request.arms[0]
    assert worst_difference(plan, request, task, choice) < 1e-5
    names = defined_by(written(plan, request, task, choice.arm, 0.01).text)
    x, y = names["load"]()
    model = names["train"](x, y, SEED)
    with torch.no_grad():
        wanted = task.score(task.metric, model(task.test_set(SEED).x).unsqueeze(0), task.test_set(SEED))
    assert names["score"](model, x, y, SEED) == pytest.approx(float(wanted), rel=1e-6)


@pytest.mark.parametrize(
    ("data", "metric"),
    [("wine", "balanced_accuracy"), ("breast_cancer", "recall"), ("wine", "log_loss"), ("diabetes", "r2")],
)
def test_the_score_is_that_of_the_study_whatever_decides(data, metric):
    losses_of = "mse, l1" if data == "diabetes" else "cross_entropy, focal"
    plan, request, task = asked(data=data, metric=metric, losses=losses_of)
    names = defined_by(written(plan, request, task, request.arms[0].arm, 0.01).text)
    x, y = names["load"]()
    model = names["build"](SEED).eval()
    with torch.no_grad():
        wanted = task.score(task.metric, model(task.test_set(SEED).x).unsqueeze(0), task.test_set(SEED))
    # log_loss: float64 from float32 outputs on both sides; r2 goes through a scale in float32
    assert names["score"](model, x, y, SEED) == pytest.approx(float(wanted), rel=1e-6)


def test_a_metric_without_a_plain_form_is_refused_by_its_name():
    plan, request, task = asked(metric="expected_calibration_error")
    with pytest.raises(Unsupported, match="expected_calibration_error"):
        written(plan, request, task, request.arms[0].arm, 0.01)


# -- what the user brings --------------------------------------------------------------------------------------------

NET = '''
from __future__ import annotations
import torch
from torch import nn
from parts import Gate

WIDTH = 4 * 2  # of the hidden layer


def layer(n: int, m: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n, m, bias=False), nn.BatchNorm1d(m), Gate(), nn.Dropout(0.2))


class Base(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x).squeeze(-1) if self.squeezes else self.body(x)


class Net(Base):
    """A net of the user's own."""

    squeezes = False

    def __init__(self, n_features: int, n_outputs: int, depth: int = 1):
        super().__init__()
        self.body = nn.Sequential(*[layer(n_features if i == 0 else WIDTH, WIDTH) for i in range(depth)],
                                  nn.Linear(WIDTH, n_outputs))
'''
PARTS = """
import torch.nn.functional as F
from torch import nn


class Gate(nn.Module):
    def forward(self, x):
        return F.gelu(x) + 0.1 * x
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "parts.py").write_text(PARTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("parts", None)
    yield tmp_path
    sys.modules.pop("parts", None)


def test_a_model_of_the_users_own_goes_with_its_source(net):
    plan, request, task = asked(model="net.py:Net(depth=2)")
    script = written(plan, request, task, request.arms[0].arm, 0.01)
    assert "class Base(nn.Module)" in script.text and "WIDTH = 4 * 2  # of the hidden layer" in script.text
    assert "class Gate" in script.text and "from parts" not in script.text
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5


def test_a_sequence_of_layers_given_as_an_object_is_written_out():
    layers = nn.Sequential(nn.Linear(13, 6, bias=False), nn.BatchNorm1d(6, momentum=0.2), nn.PReLU(), nn.Linear(6, 3))
    plan, request, task = asked(model=layers)
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5


def test_images_and_convolutions_are_written_out():
    plan, request, task = asked(model="cnn(width=4, norm='batch', dropout=0.1)", data="digits", batch_size=512)
    text = written(plan, request, task, request.arms[0].arm, 0.01).text
    assert "nn.Conv2d(1, 4, (3, 3), padding=(1, 1), bias=False)" in text
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-4


class Two(nn.Module):
    def __init__(self, width: int = 5):
        super().__init__()
        self.first, self.second = nn.Linear(13, width), nn.Linear(width, 3)

    def forward(self, x):
        return self.second(self.first(x).relu())


def test_a_module_whose_arguments_nobody_knows_is_refused_with_the_repair():
    plan, request, task = asked(model=Two(4))
    with pytest.raises(Unsupported, match="arguments nobody knows") as caught:
        written(plan, request, task, request.arms[0].arm, 0.01)
    assert "compare(Net" in caught.value.repair


def test_a_function_with_some_arguments_filled_in_is_refused_with_the_repair():
    plan, request, task = asked(model=partial(layer_net, width=4))
    with pytest.raises(Unsupported, match="partial: an object was given, whose arguments nobody knows"):
        written(plan, request, task, request.arms[0].arm, 0.01)


def layer_net(n_features: int, n_outputs: int, width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Linear(n_features, width), nn.Linear(width, n_outputs))


def test_a_class_of_a_test_file_is_written_out():
    plan, request, task = asked(model=Two)
    assert worst_difference(plan, request, task, request.arms[0]) < 1e-5


def test_a_model_inside_a_function_is_refused_with_the_repair():
    def build(n_outputs):
        return nn.Linear(13, n_outputs)

    plan, request, task = asked(model=build)
    with pytest.raises(Unsupported, match="inside something else"):
        written(plan, request, task, request.arms[0].arm, 0.01)


@pytest.mark.parametrize(("mark", "labels"), [(",", "ab"), (";", "xyz"), ("\t", [1, 2])])
def test_a_table_is_read_by_pandas(tmp_path, mark, labels):
    g = torch.Generator().manual_seed(0)
    rows = torch.randn(120, 3, generator=g)
    lines = [mark.join(["a", "kind", "b c", "d"])]
    lines += [
        mark.join([f"{r[0]:.4f}", str(labels[i % len(labels)]), f"{r[1]:.4f}", f"{r[2]:.4f}"])
        for i, r in enumerate(rows)
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(lines))
    plan, request, task = asked(data=f"{path}:kind")
    script = written(plan, request, task, request.arms[0].arm, 0.01)
    assert "pandas.read_csv" in script.text and not script.needs_file
    x, y = defined_by(script.text)["load"]()
    assert torch.equal(x, task.data.x) and torch.equal(y, task.data.y)


def test_data_that_no_text_names_lie_beside_the_script():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200, 13, generator=g)
    plan, request, task = asked(data=(x, x[:, 0] > 0))
    script = written(plan, request, task, request.arms[0].arm, 0.01)
    assert script.needs_file and '"train.npz"' in script.text


# -- the whole way ---------------------------------------------------------------------------------------------------

BLOCKED = "import sys; sys.modules['steepest'] = None; import runpy; runpy.run_path('train.py', run_name='__main__')"


@lru_cache(maxsize=None)
def study_of(folder: str) -> Any:
    return st.compare(
        "mlp(width=16, dropout=0.1)", "wine", losses="focal, square", optimizers="nadamw", budget="1000000epochs",
        seeds=3, epochs=8, out=folder, progress=False,
    )  # fmt: skip


def run(folder: Any, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = ['train.py', *{list(words)!r}]; {BLOCKED}"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return study_of(str(tmp_path_factory.mktemp("study")))


def test_the_ejected_script_runs_without_steepest_and_reaches_the_confirmed_score(results, tmp_path):
    path = results.eject(tmp_path / "train.py")
    assert "steepest" not in "".join(line for line in path.read_text().splitlines() if "import" in line)
    winner = results.verdict.winner
    confirmed = [o for o in results.study.outcomes if o.arm == winner and o.test_score is not None]
    n_test = results.study.plan.data["n_test"]
    for outcome in confirmed[-1:]:
        said = run(tmp_path, "--seed", str(outcome.seed), "--save", "model.pt")
        found = float(said.partition(f"seed {outcome.seed}: ")[2].partition(";")[0])
        # one row of the test part may fall on the other side of a boundary that rounding moved
        assert abs(found - outcome.test_score) <= 1.01 / n_test
        assert f"the study measured {outcome.test_score!r}" in said
    assert set(torch.load(tmp_path / "model.pt")) == set(results.winner.model().state_dict())


def test_the_page_shows_the_script_that_eject_writes(results, tmp_path):
    text = results.eject(tmp_path / "train.py").read_text()
    assert results.verdict.winner_code == text


def test_an_ejected_script_keeps_the_rules_of_python_style(results, tmp_path):
    path = results.eject(tmp_path / "train.py")
    compile(path.read_text(), str(path), "exec")
    lines = path.read_text().splitlines()
    assert not [line for line in lines if line != line.rstrip()] and "\n\n\n\n" not in path.read_text()


# -- targets of other kinds ----------------------------------------------------------------------------------------


def several_labels() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200, 6, generator=g)
    return x, (x[:, :3] + 0.5 * torch.randn(200, 3, generator=g) > 0.4).float()


@pytest.mark.parametrize("loss", ["bce_with_logits", "zlpr", "asl"])
def test_several_labels_per_row_are_trained_and_scored_as_in_the_study(loss):
    plan, request, task = asked(
        data=several_labels(), task="multilabel", losses=f"{loss}, multilabel_soft_margin", model="mlp(width=8)"
    )
    names = ready(written(plan, request, task, request.arms[0].arm, 0.01).text, task)
    model = names["train"](*names["load"](), SEED)
    population = Population(task, [Trial(request.arms[0].arm, 0.01, SEED)], horizon=3 * task.steps_per_epoch)
    population.train(3 * task.steps_per_epoch)
    for name, value in population.model(0).state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    wanted = task.score(task.metric, population.predict(task.test_set), [task.test_set(SEED)])
    assert names["score"](model, task.data.x, task.data.y, SEED) == pytest.approx(float(wanted[0]), abs=1e-9)


def ready(text: str, task: Task) -> dict[str, Any]:
    """The names of a script whose data lie in a file, with these data in its place."""
    names = defined_by(text)
    names["load"] = lambda: (task.data.x, task.data.y)
    return names


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(20, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.table(x.long()).mean(1))


def test_tokens_that_a_model_looks_up_stay_whole_numbers():
    g = torch.Generator().manual_seed(0)
    x = torch.randint(20, (200, 5), generator=g).float()
    plan, request, task = asked(data=(x, (x[:, 0] > 9).long()), model=Words)
    script = written(plan, request, task, request.arms[0].arm, 0.01)
    assert "Scale.none(torch.float32)" in script.text
    names = ready(script.text, task)
    model = names["train"](*names["load"](), SEED)
    population = Population(task, [Trial(request.arms[0].arm, 0.01, SEED)], horizon=3 * task.steps_per_epoch)
    population.train(3 * task.steps_per_epoch)
    for name, value in population.model(0).state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def test_a_class_for_each_place_is_refused_with_the_repair():
    g = torch.Generator().manual_seed(0)
    maps = torch.randint(3, (80, 4, 4), generator=g)
    plan, request, task = asked(data=(torch.randn(80, 2, 4, 4, generator=g), maps), model=Pixels, metric="accuracy")
    with pytest.raises(Unsupported, match="pixels, tokens"):
        written(plan, request, task, request.arms[0].arm, 0.01)


class Pixels(nn.Conv2d):
    def __init__(self) -> None:
        super().__init__(2, 3, 1)


def test_a_study_ends_well_where_no_script_can_be_written(tmp_path):
    def build(n_features, n_outputs):
        return nn.Linear(n_features, n_outputs)

    done = st.compare(
        build, "wine", losses="cross_entropy, focal", optimizers="sgd", epochs=2, seeds=3, budget="1000000epochs",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert done.verdict.winner and done.verdict.winner_code == ""
    assert "steepest eject FOLDER" in done.report().read_text()
    with pytest.raises(Unsupported, match="inside something else"):
        done.eject(tmp_path / "train.py")

"""What a population promises beside equality with solo runs: neighbours, order, dropout, odd models, messages."""

from __future__ import annotations

import pytest
import torch
from plain_runs import HORIZON, Case, distance, plain_run, state_of
from torch import Tensor, nn
from torch.nn import functional as F

from steepest import data, losses, metrics, models, optim
from steepest.compare import Arm, Population, Trial
from steepest.compare.task import Task
from steepest.core.errors import ModelError, NotComparable, UsageError
from steepest.optim import schedules

ENGINES = ("stacked", "vmap", "loop")
DIGITS = data.load("digits")


def mlp() -> nn.Module:
    return models.mlp(64, 10, width=8, dropout=0.2)


def task_of(build=mlp, **options) -> Task:
    return Task(build, DIGITS, metrics.accuracy, **{"batch_size": 32, "dtype": torch.float64, **options})


def arm(rule=optim.adam, loss=losses.cross_entropy, **options) -> Arm:
    return Arm(loss=loss, rule=rule, schedule=schedules.constant, **options)


def trained(task: Task, trials, n_steps: int = 12, engine: str = "auto") -> Population:
    population = Population(task, trials, horizon=HORIZON, engine=engine)
    population.train(n_steps)
    return population


def parameters(population: Population, k: int) -> Tensor:
    return torch.cat([p.detach().flatten() for p in population.model(k).parameters()])


# -- neighbours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_diverging_trial_changes_no_bit_of_its_neighbours(engine):
    task = task_of(dtype=torch.float32)
    rules = (optim.sgd, optim.adamw, optim.nadamw, optim.rmsprop, optim.lion)

    def population(rate):
        trials = [
            Trial(arm(rule, loss), 1e-3, s)
            for rule in rules
            for loss in (losses.mse, losses.cross_entropy)
            for s in (0, 1)
        ]
        trials[3] = Trial(trials[3].arm, rate, trials[3].seed)
        return trained(task, trials, 30, engine)

    calm, wild = population(1e-3), population(1e30)
    assert wild.engine == engine
    assert wild.diverged.tolist() == [k == 3 for k in range(20)] and not calm.diverged.any()
    for k in range(20):
        assert torch.equal(parameters(calm, k), parameters(wild, k)) == (k != 3)
    losses_seen = wild.mean_loss()
    assert not losses_seen[3].isfinite() and losses_seen.isfinite().sum() == 19


@pytest.mark.parametrize("engine", ENGINES)
def test_adding_or_removing_trials_changes_the_others_by_rounding_at_most(engine):
    task, rules = task_of(), (optim.sgd, optim.adamw, optim.nadamw)
    trials = [
        Trial(arm(r, loss), 0.01, s) for r in rules for loss in (losses.cross_entropy, losses.mse) for s in (0, 1)
    ]
    few, many = trained(task, trials[3:7], engine=engine), trained(task, trials, engine=engine)
    for k in range(4):
        assert (parameters(few, k) - parameters(many, k + 3)).abs().max() < 1e-12


@pytest.mark.parametrize("passing_bytes", [2**30, 2**19])
def test_more_trials_than_one_team_holds_train_as_fewer_do(passing_bytes, monkeypatch):
    monkeypatch.setattr("steepest.compare.population.PASSING_BYTES", passing_bytes)
    task = task_of()
    trials = [Trial(arm(), 1e-3 * (k + 1), k % 2) for k in range(70)]
    many = trained(task, trials)
    for k in (0, 31, 32, 69):
        assert (parameters(many, k) - parameters(trained(task, [trials[k]]), 0)).abs().max() < 1e-12


# -- order and repetition --------------------------------------------------------------------------------------------


def test_everything_comes_out_in_the_order_of_the_trials():
    task = task_of()
    trials = [
        Trial(arm(r, loss), 0.01, s)
        for s in (5, 3)
        for loss in (losses.mse, losses.cross_entropy)
        for r in (optim.sgd, optim.adam)
    ]
    together = trained(task, trials)
    outputs, mean = together.predict(task.select_set), together.mean_loss()
    for k, trial in enumerate(trials):
        alone = trained(task, [trial])
        assert torch.allclose(alone.mean_loss()[0], mean[k], rtol=1e-10)
        assert torch.allclose(alone.predict(task.select_set)[0], outputs[k], rtol=1e-9, atol=1e-9)


def test_training_in_pieces_gives_the_same_bits():
    task, trials = task_of(), [Trial(arm(r), 0.01, s) for r in (optim.sgd, optim.nadamw) for s in (0, 1)]
    whole, pieces = trained(task, trials, 60), Population(task, trials, horizon=HORIZON)
    for n in (1, 10, 0, 33, 16):
        pieces.train(n)
    assert pieces.step_index == whole.step_index == 60
    assert all(torch.equal(parameters(whole, k), parameters(pieces, k)) for k in range(4))


def test_the_mean_loss_is_that_of_the_steps_since_the_last_call():
    task, trials = task_of(), [Trial(arm(), 0.01, 0)]
    whole, pieces = trained(task, trials, 20), Population(task, trials, horizon=HORIZON)
    assert pieces.mean_loss().isnan().all()
    pieces.train(5)
    first = pieces.mean_loss()
    pieces.train(15)
    assert torch.allclose((5 * first + 15 * pieces.mean_loss()) / 20, whole.mean_loss())


@pytest.mark.parametrize("engine", ENGINES)
def test_the_global_generator_stays_where_it_was(engine):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    trained(task_of(), [Trial(arm(), 0.01, 0)], engine=engine).predict(task_of().select_set)
    assert torch.equal(torch.get_rng_state(), before)


# -- dropout ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_all_arms_of_a_seed_see_the_same_masks_and_other_seeds_others(engine):
    """With learning rate 0 the training loss depends on initialisation, batches and masks alone."""
    trials = [Trial(arm(rule), 0.0, seed) for seed in (0, 1) for rule in (optim.adam, optim.sgd, optim.lion)]
    mean = trained(task_of(), trials, engine=engine).mean_loss()
    assert mean[0] == mean[1] == mean[2] != mean[3] == mean[4] == mean[5]
    no_dropout = trained(task_of(lambda: models.mlp(64, 10, width=8)), trials, engine=engine).mean_loss()
    assert (mean - no_dropout).abs().min() > 1e-4


class Functional(nn.Module):
    """Two dropouts written as functions, one of whole channels."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 6, 3), nn.Linear(54, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout2d(F.relu(self.a(x.view(x.size(0), 1, 8, 8))), 0.5, self.training)
        return self.b(F.dropout(F.max_pool2d(x, 2).flatten(1), p=0.3, training=self.training))


@pytest.mark.parametrize("engine", ENGINES)
def test_functional_dropout_has_the_masks_of_the_stream(engine):
    check_against_plain_run(Functional, engine)


# -- odd models ------------------------------------------------------------------------------------------------------


def check_against_plain_run(build, engine, used=None, n_steps: int = 12) -> Population:
    """Two seeds and two rules against torch; `used`: the engine that is expected to do it."""
    task = task_of(build)
    ways = [
        (optim.sgd, {"momentum": 0.9}, 0.02, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
        (optim.adam, {}, 1e-3, lambda p, lr: torch.optim.Adam(p, lr)),
    ]
    cases = [
        Case(
            Trial(arm(rule, rule_hyper=hyper), rate, seed),
            F.cross_entropy,
            lambda p, lr, own=own: own([q for q in p if q.requires_grad], lr),
        )
        for seed in (0, 1)
        for rule, hyper, rate, own in ways
    ]
    population = trained(task, [c.trial for c in cases], n_steps, engine)
    assert population.engine == (used or engine)
    for k, case in enumerate(cases):
        assert distance(state_of(population.model(k)), plain_run(task, case, [n_steps])[0]) < 1e-11
    return population


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(64, 64), nn.Linear(64, 64, bias=False), nn.Linear(64, 10)
        self.b.weight = self.a.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.b(F.relu(self.a(x)))))


@pytest.mark.parametrize("engine", ENGINES)
def test_shared_parameters_stay_shared(engine):
    model = check_against_plain_run(Tied, engine).model(2)
    assert model.a.weight is model.b.weight


class PartlyFrozen(nn.Module):
    """A frozen layer, a parameter that is never used, one that is used by itself, and a residual sum."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(64, 16), nn.Linear(16, 16), nn.Linear(16, 10)
        self.a.requires_grad_(False)
        self.unused, self.scale = nn.Parameter(torch.ones(3)), nn.Parameter(torch.full((16,), 0.5))
        self.norm = nn.LayerNorm(16)

    def forward(self, x: Tensor) -> Tensor:
        h = F.gelu(self.a(x))
        return self.head(self.norm(h + self.scale * F.silu(self.b(h))))


@pytest.mark.parametrize("engine", ENGINES)
def test_frozen_parameters_do_not_move_and_unused_ones_have_zero_gradient(engine):
    model = check_against_plain_run(PartlyFrozen, engine).model(0)
    assert torch.equal(model.a.weight, task_of(PartlyFrozen).build(0).a.weight) and not model.a.weight.requires_grad
    assert torch.equal(model.unused, torch.ones(3, dtype=torch.float64)) and model.unused.requires_grad


class TwoDtypes(nn.Module):
    """A head that keeps float64 beside float32 layers."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.head = nn.Linear(64, 12), nn.Linear(12, 10).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.a(x)).double()).float()


@pytest.mark.parametrize("engine", ENGINES)
def test_parameters_of_several_dtypes_train_in_their_own(engine):
    task, trials = (
        task_of(TwoDtypes, dtype=torch.float32),
        [Trial(arm(r), 0.01, s) for r in (optim.sgd, optim.adam) for s in (0, 1)],
    )
    population = trained(task, trials, engine=engine)
    assert population.engine == engine
    assert [p.dtype for p in population.model(0).parameters()] == 2 * [torch.float32] + 2 * [torch.float64]
    case = Case(trials[3], F.cross_entropy, lambda p, lr: torch.optim.Adam(p, lr))
    assert distance(state_of(population.model(3)), plain_run(task, case, [12])[0]) < 1e-5


class Averaged(nn.Module):
    """BatchNorm that averages its statistics over all batches, and one without parameters or memory."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.norm = nn.Linear(64, 12, bias=False), nn.BatchNorm1d(12, momentum=None)
        self.plain, self.head = nn.BatchNorm1d(12, affine=False, track_running_stats=False), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.plain(F.relu(self.norm(self.a(x)))))


def test_batch_norm_that_averages_over_all_batches_runs_in_the_loop():
    population = check_against_plain_run(Averaged, "auto", used="loop")
    assert "norm" in population.message and "one after another" in population.message


# -- engines and messages --------------------------------------------------------------------------------------------


class Slope(nn.Module):
    """A function without a stacked form, but vmap knows it."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor([0.25]))

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.slope)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.act, self.head = nn.Linear(64, 12), Slope(), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.a(x)))


class Reads(nn.Module):
    """Chooses by value what it computes: neither traceable nor vmappable."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.head = nn.Linear(64, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = self.a(x)
        return self.head(h.relu() if h.mean() > 0 else h.tanh())


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.head = nn.GRU(8, 3, batch_first=True, bidirectional=True), nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x.view(-1, 8, 8))[0][:, -1])


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x + torch.randn_like(x) if self.training else x)


@pytest.mark.parametrize(
    ("build", "engine", "words"),
    [
        (mlp, "stacked", "stacked runs all of it"),
        (lambda: models.cnn((64,), 10, width=2), "stacked", "stacked runs all of it"),
        (lambda: models.cnn((64,), 10, width=512), "loop", "large convolutions on a CPU"),
        (lambda: models.cnn((64,), 10, width=128, norm="batch"), "loop", "large convolutions on a CPU"),
        (lambda: nn.Sequential(models.cnn((64,), 10, width=2), Slope()), "loop", "not stacked: prelu() has"),
        (Gated, "vmap", "prelu() has no stacked form"),
        (Reads, "loop", "cannot be read as a fixed sequence of layers"),
        (Recurrent, "loop", "has no stacked form"),
        (Noisy, "loop", "random numbers other than dropout's"),
    ],
)
def test_auto_chooses_by_the_model_and_says_why(build, engine, words):
    population = Population(task_of(build), [Trial(arm(), 0.01, 0)], horizon=HORIZON)
    assert population.engine == engine and words in population.message


@pytest.mark.parametrize(("build", "used"), [(Gated, "vmap"), (Reads, "loop"), (Recurrent, "loop")])
def test_what_cannot_be_stacked_still_equals_a_plain_run(build, used):
    check_against_plain_run(build, "stacked", used=used)


def test_noise_is_the_same_for_all_arms_of_a_seed_and_new_at_each_step():
    trials = [Trial(arm(rule), 0.0, seed) for seed in (0, 1) for rule in (optim.adam, optim.sgd)]
    torch.manual_seed(1)
    first = trained(task_of(Noisy), trials, 5).mean_loss()
    torch.manual_seed(2)
    again = Population(task_of(Noisy), trials, horizon=HORIZON)
    again.train(5)
    assert torch.equal(again.mean_loss(), first) and first[0] == first[1] != first[2]
    again.train(56 - 5)
    again.mean_loss()
    again.train(1)
    assert again.mean_loss()[0] != first[0]


def test_an_instance_with_hooks_is_not_stacked():
    def build():
        model = models.mlp(64, 10, width=8)
        model[1].register_forward_hook(lambda module, inputs, output: output * 2)
        return model

    population = Population(task_of(build), [Trial(arm(), 0.01, 0)], horizon=HORIZON)
    assert population.engine != "stacked" and "has hooks" in population.message


def test_the_probe_measures_and_names_its_choice():
    population = Population(task_of(), [Trial(arm(), 0.01, s) for s in range(8)], horizon=HORIZON, engine="probe")
    assert population.engine in ENGINES and population.step_index == 0
    assert population.message.startswith("measured: ") and all(name in population.message for name in ENGINES)
    fixed = trained(task_of(), population.trials, engine=population.engine)
    population.train(12)
    assert torch.equal(parameters(fixed, 5), parameters(population, 5))


# -- predicting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_predictions_are_those_of_the_models_in_evaluation_mode(engine, monkeypatch):
    monkeypatch.setattr("steepest.compare.population.JUDGED_NUMBERS", 64 * 50)  # several cuts
    build = lambda: models.mlp(64, 10, width=8, norm="batch", dropout=0.3)
    task, trials = task_of(build), [Trial(arm(), 0.01, seed) for seed in (0, 1)]
    population = trained(task, trials, engine=engine)
    outputs = population.predict({seed: task.test_set(seed).x for seed in (0, 1)})
    for k, seed in enumerate((0, 1)):
        with torch.no_grad():
            assert torch.allclose(outputs[k], population.model(k)(task.test_set(seed).x), atol=1e-10)
    shared = population.predict(task.test_set(0))
    assert torch.equal(shared[0], outputs[0]) and not torch.equal(shared[1], outputs[1])


def test_a_model_that_was_taken_out_does_not_move_with_its_trial():
    population = trained(task_of(), [Trial(arm(), 0.01, 0)])
    model, before = population.model(0), parameters(population, 0)
    population.train(1)
    assert torch.equal(torch.cat([p.detach().flatten() for p in model.parameters()]), before)
    assert not torch.equal(parameters(population, 0), before) and not model.training


# -- losses ----------------------------------------------------------------------------------------------------------


def test_hyperparameters_may_differ_from_trial_to_trial():
    task = task_of()
    smoothing = [arm(loss_options={"label_smoothing": s}) for s in (0.05, 0.1, 0.3)]
    widths = [arm(loss=losses.huber, loss_options={"delta": d}) for d in (0.2, 0.5)]
    betas = [arm(rule=optim.adamw, rule_hyper={"beta1": b}, weight_decay=w) for b, w in ((0.9, 0.0), (0.5, 0.1))]
    trials = [Trial(a, 0.01, 0) for a in smoothing + widths + betas]
    together = trained(task, trials)
    for k, trial in enumerate(trials):
        assert (parameters(together, k) - parameters(trained(task, [trial]), 0)).abs().max() < 1e-12
    assert len({float(parameters(together, k).sum()) for k in range(len(trials))}) == len(trials)


@pytest.mark.parametrize("normalize", ["weight", "count", "batch"])
def test_the_options_of_the_contract_reach_each_trial(normalize):
    weight = torch.linspace(0.5, 2.0, 10, dtype=torch.float64)
    options = {"class_weight": weight, "normalize": normalize}
    trials = [Trial(arm(optim.sgd, loss_options=options), 0.05, seed) for seed in (0, 1)]
    population = trained(task_of(), trials, 5)

    def own(z, y):
        return losses.cross_entropy(z, y, **options)

    for k, trial in enumerate(trials):
        case = Case(trial, own, lambda p, lr: torch.optim.SGD(p, lr))
        assert distance(state_of(population.model(k)), plain_run(population.task, case, [5])[0]) < 1e-12


def test_regression_with_several_targets_equals_a_plain_run():
    x = torch.randn(120, 5, generator=torch.manual_seed(0))
    numbers = data.Data.of(x, x @ torch.randn(5, 3) * torch.tensor([1.0, 50.0, 0.1]) + 7, task="regression")
    task = Task(
        lambda: models.mlp(5, 3, width=8), numbers, metrics.mean_squared_error, batch_size=16, dtype=torch.float64
    )
    case = Case(Trial(arm(optim.sgd, losses.huber), 0.05, 1), F.huber_loss, lambda p, lr: torch.optim.SGD(p, lr))
    population = trained(task, [Trial(arm(optim.sgd, losses.mse), 0.05, 0), case.trial])
    assert distance(state_of(population.model(1)), plain_run(task, case, [12])[0]) < 1e-12


# -- refusals --------------------------------------------------------------------------------------------------------


def test_refusals_name_what_would_work():
    task, trial = task_of(), Trial(arm(), 0.01, 0)
    with pytest.raises(UsageError, match="Did you mean 'stacked'"):
        Population(task, [trial], horizon=1, engine="stack")
    with pytest.raises(UsageError, match="no trial"):
        Population(task, [], horizon=1)
    with pytest.raises(NotComparable, match="cross_entropy is the same loss of logits"):
        Population(task, [Trial(arm(loss=losses.nll), 0.01, 0)], horizon=1)
    with pytest.raises(ModelError, match="training mode raised ValueError"):
        Population(task_of(OnlyJudges), [trial], horizon=1)


class OnlyJudges(nn.Linear):
    """Works in evaluation mode only."""

    def __init__(self) -> None:
        super().__init__(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            raise ValueError("not trained")
        return super().forward(x)

"""Schedules: each claim, one value per trial, nothing beyond the end, and the torch LRScheduler of each."""

from __future__ import annotations

import inspect
import io
import math

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler as lrs

from steepest.core.declare import Schedule
from steepest.core.declare import schedule as declare_schedule
from steepest.core.domains import Counts, Interval, Unit, UnitOpen
from steepest.core.errors import DomainError, UsageError
from steepest.core.reduction import Reduction
from steepest.core.reduction import reduction as declare_reduction
from steepest.optim import schedules
from steepest.optim.schedules.plateau import Best

SCHEDULES = [item for item in schedules if isinstance(item, Schedule)]
REDUCTIONS = [item for item in schedules if isinstance(item, Reduction)]
every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=[s.name for s in SCHEDULES])
CLAIMED = [(schedule, claim) for schedule in SCHEDULES for claim in schedule.claims]
HORIZONS = (1.0, 2.0, 3.0, 7.0, 100.0, 1234.0)


def settings(schedule):
    """Combinations of allowed values: the defaults, each value alone, and mixtures."""
    tried = {
        name: sorted({*hyper.domain.allowed(), *(hyper.search.grid(3) if hyper.search else [])})
        for name, hyper in schedule.hyper.items()
    }
    yield {}
    for name, values in tried.items():
        yield from ({name: value} for value in values)
    for i in range(12 if tried else 0):
        yield {name: values[(i * (3 + j)) % len(values)] for j, (name, values) in enumerate(tried.items())}


def paths(schedule):
    """(hyper, horizon, steps, multipliers) over the whole run, between the steps, and beyond the end."""
    for hyper in settings(schedule):
        for horizon in HORIZONS:
            steps = torch.linspace(0, 1.5 * horizon, 601, dtype=torch.float64)
            steps = torch.cat([steps, torch.arange(0, horizon + 3, dtype=torch.float64)]).sort().values
            yield hyper, horizon, steps, schedule(steps, horizon, **hyper)


def full(schedule, hyper):
    return {**{name: h.default for name, h in schedule.hyper.items()}, **hyper}


# -- claims ------------------------------------------------------------------------


def never_above_one(schedule):
    for hyper, horizon, _, values in paths(schedule):
        assert (values >= 0).all() and (values <= 1).all(), (hyper, horizon)


def ends_at_floor(schedule):
    for hyper, horizon, steps, values in paths(schedule):
        floor = full(schedule, hyper)["floor"]
        assert ((values[steps >= horizon] - floor).abs() < 1e-15).all(), (hyper, horizon)


def falls(schedule):
    for hyper, horizon, steps, values in paths(schedule):
        risen = values[steps >= full(schedule, hyper).get("warmup", 0.0) * horizon]
        assert (risen.diff() <= 1e-15).all(), (hyper, horizon)


TESTS = {test.__name__: test for test in (never_above_one, ends_at_floor, falls)}


@pytest.mark.parametrize(("schedule", "claim"), CLAIMED, ids=[f"{s.name} {c.name}" for s, c in CLAIMED])
def test_a_claim_withstands_its_test(schedule, claim):
    assert claim.name in TESTS, f"{schedule.name} claims {claim.name}, which no test tries to break"
    TESTS[claim.name](schedule)


def test_the_tests_of_claims_can_fail():
    @declare_schedule(use="", source="")
    def half_way(step, horizon, *, floor: Unit = 0.0):
        return 1 - (1 - floor) * step / horizon / 2

    @declare_schedule(use="", source="")
    def sawtooth(step, horizon):
        return 1.1 * (step % 2) / 2

    for test, broken in ((ends_at_floor, half_way), (falls, sawtooth), (never_above_one, sawtooth)):
        with pytest.raises(AssertionError):
            test(broken)


# -- values ------------------------------------------------------------------------


@every_schedule
def test_the_first_step_is_not_lost_and_the_full_rate_is_reached(schedule):
    for hyper, horizon, steps, values in paths(schedule):
        assert values[0] > 0, (hyper, horizon)
        if horizon > 50 and full(schedule, hyper).get("warmup", 0.0) + full(schedule, hyper).get("decay", 0.0) < 0.9:
            assert values[steps < horizon].max() > 0.95, (hyper, horizon)


@every_schedule
def test_a_run_that_goes_beyond_its_end_stays_where_it_is(schedule):
    for hyper, horizon, steps, values in paths(schedule):
        assert (values[steps >= horizon] == values[-1]).all() and values.isfinite().all(), (hyper, horizon)


@every_schedule
def test_a_horizon_and_numbers_per_trial_equal_a_loop(schedule):
    n = 6
    horizons = torch.tensor([1.0, 3.0, 10.0, 50.0, 64.0, 7.0], dtype=torch.float64)
    hyper = {}
    for shift, (name, h) in enumerate(schedule.hyper.items()):
        if isinstance(h.domain, Interval):  # counts say how the schedule is built: one for all trials
            values = h.domain.allowed()
            hyper[name] = torch.tensor([values[(k + shift) % len(values)] for k in range(n)], dtype=torch.float64)
    for step in (0, 1, 2, 5, 9, 40, 70):
        together = schedule(step, horizons, **hyper)
        alone = [schedule(step, float(horizons[k]), **{m: float(v[k]) for m, v in hyper.items()}) for k in range(n)]
        assert together.dtype == torch.float64 and torch.equal(together, torch.stack(alone))


def test_the_values_that_a_reader_expects():
    steps = torch.tensor([0, 1, 4, 9, 10, 50, 55, 90, 100, 101], dtype=torch.float64)
    cosine = schedules.warmup_cosine(steps, 100, warmup=0.1, floor=0.2)
    assert torch.allclose(cosine[:5], torch.tensor([0.1, 0.2, 0.5, 1.0, 1.0], dtype=torch.float64))
    assert abs(cosine[6] - 0.6) < 1e-15 and cosine[8] == cosine[9] == 0.2  # half way down, then the floor
    stable = schedules.warmup_stable_decay(steps, 100, warmup=0.1, decay=0.2, floor=0.2)
    expected = [0.1, 0.2, 0.5, 1.0, 1.0, 1.0, 1.0, 0.6, 0.2, 0.2]
    assert torch.allclose(stable, torch.tensor(expected, dtype=torch.float64), atol=1e-15)
    assert (schedules.constant(steps, 100) == 1).all()
    assert schedules.warmup_cosine(0, 100, warmup=0.0) == 1  # without warmup the first step is a full one


def test_cycles_begin_again_where_the_words_say():
    steps = torch.arange(0, 141, 5, dtype=torch.float64)
    restarts = schedules.cosine_restarts(steps, 140, cycles=3, growth=2.0, floor=0.2)  # 20 + 40 + 80 steps
    tops = steps[restarts == 1].tolist()
    assert tops == [0.0, 20.0, 60.0] and restarts[-1] == 0.2
    equal = schedules.cosine_restarts(steps, 140, cycles=7, growth=1.0)
    assert steps[equal == 1].tolist() == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0]
    cyclic = schedules.cyclic(steps, 140, cycles=7, floor=0.1, shrink=0.5)
    assert torch.allclose(cyclic[steps % 20 == 10], 0.1 + 0.9 * 0.5 ** torch.arange(7, dtype=torch.float64), atol=1e-15)
    assert torch.allclose(cyclic[steps % 20 == 0], torch.full((8,), 0.1, dtype=torch.float64), atol=1e-15)
    assert schedules.step(torch.tensor([29, 30, 59, 60, 89, 90]), 100).tolist() == pytest.approx(
        [1, 0.1, 0.1, 0.01, 0.01, 0.001]
    )
    rex = schedules.rex(torch.tensor([0, 50, 100]), 100)
    assert rex.tolist() == pytest.approx([1, 0.5 / (0.5 + 0.5 * 0.5), 0])  # Chen et al. 2022, section 4
    root = schedules.inverse_square_root(torch.tensor([0, 9, 39, 999]), 1000, warmup=0.01)
    assert root.tolist() == pytest.approx([0.1, 1, 0.5, 0.1])


# What torch calls our schedules: over a run of n steps, all groups at the given rate.
TWINS = {
    "linear": (lambda o, n, lr: lrs.LinearLR(o, 1.0, 0.2, n), {"floor": 0.2}),
    "step": (lambda o, n, lr: lrs.StepLR(o, n // 4, 0.3), {"every": 0.25, "factor": 0.3}),
    "exponential": (lambda o, n, lr: lrs.ExponentialLR(o, 0.02 ** (1 / n)), {"floor": 0.02}),
    "polynomial": (lambda o, n, lr: lrs.PolynomialLR(o, n, 1.7), {"power": 1.7}),
    "cosine": (lambda o, n, lr: lrs.CosineAnnealingLR(o, n, 0.1 * lr), {"floor": 0.1}),
    "one_cycle": (
        lambda o, n, lr: lrs.OneCycleLR(
            o, lr, n, pct_start=0.25, div_factor=20, final_div_factor=50, cycle_momentum=False
        ),
        {"warmup": 0.25, "start": 0.05, "floor": 0.001},
    ),
    "cyclic": (
        lambda o, n, lr: lrs.CyclicLR(o, 0.2 * lr, lr, n // 8, mode="triangular2", cycle_momentum=False),
        {"cycles": 4, "floor": 0.2, "shrink": 0.5},
    ),
    "cosine_restarts": (
        lambda o, n, lr: lrs.CosineAnnealingWarmRestarts(o, n // 15, 2, 0.3 * lr),
        {"cycles": 4, "growth": 2.0, "floor": 0.3},
    ),
    "constant": (lambda o, n, lr: lrs.ConstantLR(o, 1.0, n), {}),
    "warmup_linear": (
        lambda o, n, lr: lrs.SequentialLR(
            o, [lrs.LinearLR(o, 10 / n, 1.0, n // 10 - 1), lrs.LinearLR(o, 1.0, 1e-9, n - n // 10)], [n // 10]
        ),
        {"warmup": 0.1, "floor": 1e-9},
    ),
}


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize("n", [120, 1200])
@pytest.mark.filterwarnings("ignore:The epoch parameter")
def test_the_multipliers_are_those_of_torchs_scheduler(name, n):
    twin, hyper = TWINS[name]
    lr = 0.8
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr)
    scheduler = twin(optimizer, n, lr)
    theirs = []
    for _ in range(n):
        theirs.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    ours = lr * schedules[name](torch.arange(n, dtype=torch.float64), n, **hyper)
    # 1e-11: most of torch's schedulers multiply step by step, and so collect n roundings
    assert ours.tolist() == pytest.approx(theirs, rel=1e-11, abs=1e-13)


@every_schedule
def test_numbers_outside_the_domain_are_refused(schedule):
    for name, hyper in schedule.hyper.items():
        assert isinstance(hyper.domain, (Interval, Counts))
        for bad in hyper.domain.forbidden():
            with pytest.raises(DomainError, match=f"{schedule.name}: {name} is"):
                schedule(0, 10, **{name: bad})
    with pytest.raises(UsageError):
        schedule(0, 10, no_such_number=1.0)


# -- as torch's schedulers ------------------------------------------------------------------------


def an_optimizer():
    params = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    return torch.optim.SGD([{"params": params[:1], "lr": 2.0}, {"params": params[1:], "lr": 0.5}])


@every_schedule
def test_the_scheduler_multiplies_each_groups_rate_and_stays_at_the_end(schedule):
    optimizer = an_optimizer()
    scheduler = getattr(schedules, schedule.class_name)(optimizer, horizon=9)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    for step in range(14):
        multiplier = float(schedule(step, 9))
        assert [g["lr"] for g in optimizer.param_groups] == [2.0 * multiplier, 0.5 * multiplier]
        optimizer.step()
        scheduler.step()


@every_schedule
def test_a_saved_scheduler_goes_on_where_it_was(schedule):
    hyper = {name: h.domain.allowed()[1] for name, h in schedule.hyper.items()}
    make = getattr(schedules, schedule.class_name)
    optimizer = an_optimizer()
    scheduler = make(optimizer, horizon=20, **hyper)
    for _ in range(8):
        optimizer.step()
        scheduler.step()
    file = io.BytesIO()
    torch.save((optimizer.state_dict(), scheduler.state_dict()), file)
    file.seek(0)
    other = an_optimizer()
    resumed = make(other, horizon=1)
    saved, state = torch.load(file, weights_only=True)
    other.load_state_dict(saved)
    resumed.load_state_dict(state)
    for _ in range(5):
        for o, s in ((optimizer, scheduler), (other, resumed)):
            o.step()
            s.step()
        assert [g["lr"] for g in other.param_groups] == [g["lr"] for g in optimizer.param_groups]


@every_schedule
def test_the_scheduler_shows_its_numbers_and_refuses_wrong_ones(schedule):
    make = getattr(schedules, schedule.class_name)
    assert set(inspect.signature(make).parameters) == {"optimizer", "horizon", "last_epoch", *schedule.hyper}
    for bad in ({"horizon": 0}, {"horizon": 2.5}, {"horizon": 5, "no_such_number": 1.0}):
        with pytest.raises((DomainError, UsageError)):
            make(an_optimizer(), **bad)


# -- multipliers that answer to scores ----------------------------------------------


every_reduction = pytest.mark.parametrize("reduction", REDUCTIONS, ids=[r.name for r in REDUCTIONS])
REDUCTION_CLAIMS = [(reduction, claim) for reduction in REDUCTIONS for claim in reduction.claims]


def multipliers(reduction, scores, **hyper):
    """After each of the scores."""
    return torch.stack([reduction(scores[:n], **hyper) for n in range(len(scores) + 1)])


def reduction_stays_within_one(reduction):
    for hyper in settings(reduction):
        values = multipliers(reduction, torch.tensor([*SCORES.values()], dtype=torch.float64).T, **hyper)
        assert (values >= 0).all() and (values <= 1).all(), hyper


def never_rises(reduction):
    for hyper in settings(reduction):
        values = multipliers(reduction, torch.tensor([*SCORES.values()], dtype=torch.float64).T, **hyper)
        assert (values.diff(dim=0) <= 0).all(), hyper


def rests_while_improving(reduction):
    for hyper in settings(reduction):
        grows = 2.0 + full(reduction, hyper)["threshold"]
        scores = grows ** torch.arange(12, dtype=torch.float64)
        better = scores if full(reduction, hyper)["best"] == "max" else scores.flip(0) * (1 + grows)
        if full(reduction, hyper)["threshold"] < 1 or full(reduction, hyper)["best"] == "max":
            assert (multipliers(reduction, better, **hyper) == 1).all(), hyper


REDUCTION_TESTS = {
    "never_above_one": reduction_stays_within_one,
    **{test.__name__: test for test in (never_rises, rests_while_improving)},
}


@pytest.mark.parametrize(
    ("reduction", "claim"), REDUCTION_CLAIMS, ids=[f"{r.name} {c.name}" for r, c in REDUCTION_CLAIMS]
)
def test_a_claim_of_a_reduction_withstands_its_test(reduction, claim):
    assert claim.name in REDUCTION_TESTS, f"{reduction.name} claims {claim.name}, which no test tries to break"
    REDUCTION_TESTS[claim.name](reduction)


def test_the_tests_of_a_reductions_claims_can_fail():
    @declare_reduction(use="", source="")
    def doubles(scores, *, best: Best = "min", threshold: UnitOpen = 0.0):
        return 1.0 - scores[-1] / 100 if len(scores) else torch.ones(scores.shape[1:], dtype=torch.float64)

    for test in REDUCTION_TESTS.values():
        with pytest.raises(AssertionError):
            test(doubles)


@every_reduction
def test_the_multiplier_of_a_reduction_is_one_value_per_trial(reduction):
    scores = torch.tensor([*SCORES.values()], dtype=torch.float64).T
    n = scores.shape[1]
    for hyper in settings(reduction):
        together = reduction(scores, **hyper)
        alone = [reduction(scores[:, k], **hyper) for k in range(n)]
        assert together.shape == (n,) and together.dtype == torch.float64 and torch.equal(together, torch.stack(alone))
    assert torch.equal(reduction(torch.zeros(0, n)), torch.ones(n, dtype=torch.float64))


@every_reduction
def test_a_reduction_refuses_numbers_outside_their_domain(reduction):
    for name, hyper in reduction.hyper.items():
        for bad in hyper.domain.forbidden():
            with pytest.raises(DomainError, match=f"{reduction.name}: {name} is"):
                reduction([1.0], **{name: bad})
    with pytest.raises(UsageError):
        reduction([1.0], no_such_number=1.0)


# -- plateau ------------------------------------------------------------------------


SCORES = {
    "falls, then rests": [1 / (1 + i) if i < 10 else 0.1 for i in range(60)],
    "jumps": [math.sin(i * i) for i in range(60)],
    "rises": [0.1 * i for i in range(60)],
    "with NaN": [float("nan") if i % 7 == 3 else 5 / (i + 1) for i in range(60)],
    "below zero": [-1.0 - 0.00001 * i for i in range(60)],
}
OPTIONS = [
    {},
    {"patience": 0, "factor": 0.5},
    {"patience": 2, "cooldown": 4, "threshold": 0.05},
    {"best": "max", "patience": 3, "floor": 1e-3, "cooldown": 1},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
def test_plateau_lowers_the_rate_when_torchs_scheduler_does(scores, options):
    theirs, ours = an_optimizer(), an_optimizer()
    floor = options.get("floor", 0.0)
    words = {k: v for k, v in options.items() if k not in ("best", "floor")}
    reduce = lrs.ReduceLROnPlateau(
        theirs, options.get("best", "min"), min_lr=[2.0 * floor, 0.5 * floor], eps=0, **words
    )
    plateau = schedules.Plateau(schedules.Constant(ours, 1), **options)
    for score in scores:
        reduce.step(score)
        plateau.step(score)
        assert [g["lr"] for g in ours.param_groups] == pytest.approx([g["lr"] for g in theirs.param_groups], rel=1e-12)


def test_plateau_multiplies_any_schedule_and_a_resumed_run_goes_on():
    def begun():
        optimizer = an_optimizer()
        scheduler = schedules.WarmupCosine(optimizer, horizon=30)
        return optimizer, scheduler, schedules.Plateau(scheduler, patience=1, factor=0.5)

    optimizer, scheduler, plateau = begun()
    other, resumed, again = begun()
    for step in range(20):
        optimizer.step()
        scheduler.step()
        if step % 4 == 3:
            plateau.step(1.0)
        if step == 9:
            resumed.load_state_dict(scheduler.state_dict())
            again.load_state_dict(plateau.state_dict())
        if step > 9:
            other.step()
            resumed.step()
            if step % 4 == 3:
                again.step(1.0)
            assert [g["lr"] for g in other.param_groups] == [g["lr"] for g in optimizer.param_groups]
    assert plateau.multiplier == 0.25  # 5 scores: one sets the record, then two and two are no better
    assert optimizer.param_groups[0]["lr"] == 2.0 * float(schedules.warmup_cosine(20, 30)) * 0.25


def test_plateau_of_a_population_is_that_of_each_trial():
    scores = torch.tensor(list(SCORES.values()), dtype=torch.float64).T
    factors = torch.tensor([0.1, 0.2, 0.5, 0.7, 0.9], dtype=torch.float64)
    together = schedules.plateau(scores, factor=factors, patience=2)
    alone = [schedules.plateau(scores[:, k], factor=float(factors[k]), patience=2) for k in range(5)]
    assert torch.equal(together, torch.stack(alone)) and together.unique().numel() == 4


def test_plateau_refuses_what_makes_no_sense():
    scheduler = schedules.Constant(an_optimizer(), 1)
    for bad in ({"factor": 1.0}, {"patience": -1}, {"best": "least"}, {"cooldown": 0.5}, {"threshold": -1.0}):
        with pytest.raises(DomainError):
            schedules.Plateau(scheduler, **bad)
    with pytest.raises(UsageError, match="patience"):
        schedules.Plateau(scheduler, patients=3)

"""Schedules: each claim, one value per trial, nothing beyond the end, and the torch LRScheduler of each."""

from __future__ import annotations

import inspect
import io

import pytest
import torch
from torch import nn

from steepest.core.declare import schedule as declare_schedule
from steepest.core.domains import Interval, Unit
from steepest.core.errors import DomainError, UsageError
from steepest.optim import schedules

SCHEDULES = list(schedules)
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


@every_schedule
def test_numbers_outside_the_domain_are_refused(schedule):
    for name, hyper in schedule.hyper.items():
        assert isinstance(hyper.domain, Interval)
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

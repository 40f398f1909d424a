"""What a study will do, decided before it begins: epochs, rungs and seeds that fit the budget, and what they can resolve."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from steepest.core.errors import UsageError
from steepest.results.evidence import seeds_for_power
from steepest.results.records import RungRecord

FIRST_SEED = {"search": 0, "race": 100, "confirm": 1000}
"""Each phase has seeds of its own, so no decision has seen the seeds of the next."""
RACE_LOOKS = (5, 9, 13, 17, 21)
SEEDS_OF_A_LOOK = 3
"""A last look takes at least so many more seeds: fewer fill no population."""
CONFIRM_SEEDS = 12
"""Find a difference of one sd in 88 of 100 studies (bench/evidence.py); 10 would in 80, with nothing to spare."""
STEPS_OF_A_FULL_RUN = 2000
EPOCHS_RANGE = (10, 300)
SHORTEST_RUN = 3
SHORT_RUNS = ((1 / 9, 30), (1 / 3, 60))
"""Shares of a full run at which the search begins, and the fewest steps of each: with less, a small data set would tell how
fast a learning rate starts, not how well it ends."""
SHORT_ENOUGH = 0.4
"""A rung of the search that is longer, as a share of the next one, would cost more than the runs that it spares there."""
FEWEST_STEPS = 90
"""The same for full runs."""
REACH = 2
"""Full runs take so many learning rates of the grid to either side of the best of the shorter ones."""
TIME_SAFETY = 0.75
"""Share of a time budget that is planned; the rest pays for evaluation, storage, the page and a busy machine."""


@dataclass(frozen=True)
class Budget:
    """Seconds, or epochs (passes over the training part, summed over all trials)."""

    seconds: float | None
    epochs: float | None
    text: str


def parse_budget(budget: str | float | int) -> Budget:
    """ "60s", "5m", "1h", 90 (seconds) or "2000epochs"."""
    text = (
        f"{budget:g}s"
        if isinstance(budget, (int, float)) and not isinstance(budget, bool)
        else str(budget).strip().lower()
    )
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|epochs?)", text)
    if match is None or float(match.group(1)) <= 0:
        raise UsageError(
            where="budget",
            seen=f"{budget!r}",
            needed="a time or a number of epochs was needed",
            repair='For example "60s", "5m", "1h" or "2000epochs" (passes over the training part, summed over all trials).',
        )
    amount, unit = float(match.group(1)), match.group(2)
    if unit.startswith("epoch"):
        return Budget(None, amount, text)
    return Budget(amount * {"s": 1, "m": 60, "h": 3600}[unit[0]], None, text)


def parse_seeds(seeds: str | int) -> int:
    """0 for "auto", else the number of seeds of race and confirmation."""
    if seeds == "auto":
        return 0
    if not str(seeds).isdigit() or int(seeds) < 3:
        raise UsageError(
            where="seeds",
            seen=f"{seeds!r}",
            needed='"auto" or a number >= 3 was needed',
            consequence="One or two seeds give no interval: the difference could be luck.",
            repair='seeds="auto" takes as many as the budget pays.',
        )
    return int(seeds)


@dataclass(frozen=True)
class Size:
    """How thorough the search is."""

    n_learning_rates: int
    search_seeds: int
    full_seeds: int
    """Seeds of the search's full runs, which decide."""


SIZES = (Size(7, 3, 3), Size(5, 2, 3))
"""The full search, and a lean one for small budgets."""


@dataclass(frozen=True)
class Course:
    """The rungs of a study and what they cost."""

    size: Size
    epochs: int
    rungs: list[RungRecord]
    cost: float


def fit_budget(
    budget_epochs: float, n_arms: int, n_tuned: int, steps_per_epoch: int, n_seeds: int, epochs: int | None
) -> Course:
    """The longest full runs (up to a sensible length) that the budget pays for; the lean search when the full one does not fit."""
    low, high = EPOCHS_RANGE
    longest = epochs or min(max(math.ceil(STEPS_OF_A_FULL_RUN / steps_per_epoch), low), high)
    shortest = epochs or min(max(SHORTEST_RUN, math.ceil(FEWEST_STEPS / steps_per_epoch)), longest)
    for size in SIZES:
        for length in range(longest, shortest - 1, -1):
            rungs = rungs_of(size, length, n_seeds, steps_per_epoch)
            cost = planned_cost(size, n_arms, n_tuned, rungs)
            if cost <= budget_epochs:
                return Course(size, length, rungs, cost)
    least = planned_cost(SIZES[-1], n_arms, n_tuned, rungs_of(SIZES[-1], shortest, n_seeds, steps_per_epoch))
    raise UsageError(
        where="budget",
        seen=f"a budget of about {budget_epochs:.0f} epochs over all trials for {n_arms} arms",
        needed=f"at least {math.ceil(least)} epochs were needed for runs of {shortest} epochs",
        consequence="With less, the learning rates would be untuned and the verdict would rest on too few seeds.",
        repair=f"Raise the budget {math.ceil(10 * least / max(budget_epochs, 1e-9)) / 10:g}-fold, or name fewer arms.",
    )


def rungs_of(size: Size, epochs: int, n_seeds: int, steps_per_epoch: int = 100) -> list[RungRecord]:
    """The search on ever longer runs, the last ones full; then looks of the race and the confirmation at full length."""
    lengths = [epochs]
    for share, fewest in reversed(SHORT_RUNS):
        shorter = max(1, round(epochs * share), math.ceil(fewest / steps_per_epoch))
        if shorter <= SHORT_ENOUGH * lengths[0]:
            lengths.insert(0, shorter)
    seeds = [*([size.search_seeds] * (len(lengths) - 1)), size.full_seeds]
    return [
        *(
            RungRecord(f"search {i + 1}", "search", length, _seeds("search", 0, n))
            for i, (length, n) in enumerate(zip(lengths, seeds))
        ),
        *(
            RungRecord(f"race look {i + 1}", "race", epochs, _seeds("race", start, end))
            for i, (start, end) in enumerate(_looks(n_seeds))
        ),
        RungRecord("confirm", "confirm", epochs, _seeds("confirm", 0, n_seeds or CONFIRM_SEEDS)),
    ]


def _seeds(phase: str, start: int, end: int) -> list[int]:
    return [FIRST_SEED[phase] + i for i in range(start, end)]


def _looks(n_seeds: int) -> list[tuple[int, int]]:
    """Seed ranges of the looks: 5, then 4 more at each, up to n_seeds when given."""
    last = n_seeds or RACE_LOOKS[-1]
    ends = [e for e in RACE_LOOKS if e <= last - SEEDS_OF_A_LOOK] + [last]
    return list(zip([0, *ends[:-1]], ends))


def planned_cost(size: Size, n_arms: int, n_tuned: int, rungs: list[RungRecord]) -> float:
    """Epochs over all trials that a typical study spends: each arm extends its grid once, half of them see three looks."""
    by_phase = {phase: [r for r in rungs if r.phase == phase] for phase in FIRST_SEED}
    looks, [confirm] = by_phase["race"], by_phase["confirm"]
    half = max(2, -(-n_arms // 2))
    search = n_tuned * _search_epochs(size, by_phase["search"])
    race = confirm.epochs * (n_arms * len(looks[0].seeds) + half * sum(len(r.seeds) for r in looks[1:3]))
    return float(search + race + confirm.epochs * min(n_arms, 3) * len(confirm.seeds))


def _search_epochs(size: Size, rungs: list[RungRecord]) -> int:
    """Of one arm: the whole grid on the first rung, the neighbours of the best on the next, more on full runs."""
    rates = [size.n_learning_rates + 2, *([3] * (len(rungs) - 2)), *([2 * REACH + 1] if len(rungs) > 1 else [])]
    return sum(n * r.epochs * len(r.seeds) for n, r in zip(rates, rungs))


def forecast(plan_cost: float, seconds: float | None, n_confirm: int) -> str:
    """What the confirmation can resolve, and about how long all takes."""
    effect = _resolvable_effect(n_confirm)
    words = (
        f"{n_confirm} or more fresh seeds find a difference of {effect:.1f} seed standard deviations in 4 of 5 cases"
    )
    cost = f"about {plan_cost:.0f} epochs over all trials" + (f", {duration(seconds)}" if seconds else "")
    return f"{words}; {cost}"


def _resolvable_effect(n: int) -> float:
    """The smallest effect (difference / sd of paired differences) that n seeds find with 80 % power."""
    return next(e / 20 for e in range(1, 200) if seeds_for_power(e / 20) <= n)


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"

"""The protocol of a verdict as a pure conversation: it asks for rungs, is told their outcomes, and ends with a verdict.

`protocol(plan)` is a generator. It trains nothing, reads no clock and draws no random number, so a resumed study that answers the
same requests from its store hears the same decisions, and a simulation can test the protocol without a model (DESIGN section 7).

1. search: learning rates of every arm on the search seeds, on short runs, then the best and its neighbours on longer ones, at
   last on full runs: the best rate of short runs is not that of long ones.
2. race: every arm at its best learning rate, full runs on fresh paired seeds; arms leave by paired tests only.
3. confirm: winner, runner-up and baseline on seeds that no decision has seen, scored on the untouched test part.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

from steepest.results import evidence
from steepest.results.records import Event, Outcome, Plan, RungRecord, Verdict

from .arms import beyond
from .conclude import conclude, rope_of
from .plan import REACH
from .sentence import amount, measure
from .tuning import best_rate, rises_to

N_EXTENSIONS = 3
EXTENSION_SIZE = 2
MAX_CONFIRM_SEEDS = 40


@dataclass(frozen=True)
class TrialKey:
    arm: str
    learning_rate: float
    seed: int


@dataclass(frozen=True)
class Request:
    """One rung to train. events: what was decided since the last rung, stored in the same transaction as its outcomes."""

    rung: RungRecord
    trials: list[TrialKey]
    events: list[Event]

    @property
    def on_test(self) -> bool:
        return self.rung.phase == "confirm"

    @property
    def cost(self) -> float:
        """Epochs, summed over all trials."""
        return float(self.rung.epochs * len(self.trials))


@dataclass
class Progress:
    """What the protocol knows so far."""

    plan: Plan
    outcomes: list[Outcome] = field(default_factory=list)
    pending: list[Event] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spent: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)
    out: dict[str, str] = field(default_factory=dict)  # arm -> why it left: "not comparable", "eliminated", "diverged"

    def say(self, kind: str, rung: str, arm: str, reason: str, **numbers: object) -> None:
        event = Event(kind, rung, arm, reason, dict(numbers))
        self.pending.append(event)
        self.events.append(event)

    def ask(self, rung: RungRecord, trials: list[TrialKey]) -> Generator[Request, list[Outcome], list[Outcome]]:
        request = Request(rung, trials, self.pending)
        self.pending = []
        got = yield request
        self.spent += request.cost
        self.outcomes += got
        return got

    def planned(self, phase: str) -> list[RungRecord]:
        return [r for r in self.plan.rungs if r.phase == phase]

    def racing(self) -> list[str]:
        return [a.name for a in self.plan.arms if a.name not in self.out]


Talk = Generator[Request, list[Outcome], None]


def protocol(plan: Plan) -> Generator[Request, list[Outcome], tuple[Verdict, list[Event]]]:
    """The whole study. Returns the verdict and the decisions made after the last rung."""
    known = Progress(plan)
    yield from _search(known)
    yield from _race(known)
    confirmed = yield from _confirm(known)
    return conclude(plan, known.outcomes, known.rates, known.out, confirmed), known.pending


# -- search -----------------------------------------------------------------------------------------------------------------


def _search(known: Progress) -> Talk:
    tuned = [a for a in known.plan.arms if not a.fixed_learning_rate]
    for arm in known.plan.arms:
        if arm.fixed_learning_rate:
            known.rates[arm.name] = arm.learning_rates[0]
    if not tuned:
        return
    tried = {a.name: sorted(a.learning_rates) for a in tuned}
    seen = {name: list(rates) for name, rates in tried.items()}
    *shorter, full = known.planned("search")
    for i, rung in enumerate(shorter):
        yield from _rung(known, rung, seen, tried)
        reach = 1 if i < len(shorter) - 1 else REACH
        seen = {name: _around(known, rung, name, seen[name], tried[name], reach) for name in tried}
    yield from _rung(known, full, seen, tried)
    for name, rates in seen.items():
        _choose(known, full, name, rates, tried[name])
    _foresee(known, full, seen)


def _rung(known: Progress, rung: RungRecord, seen: dict[str, list[float]], tried: dict[str, list[float]]) -> Talk:
    """Runs of one length; more of them while the best of an arm is the first or last that ran so long, three times at most."""
    yield from known.ask(rung, _grid(seen, rung.seeds))
    for turn in range(1, N_EXTENSIONS + 1):
        more = {name: _further(known, rung, name, seen[name], tried[name]) for name in tried}
        more = {name: rates for name, rates in more.items() if rates}
        if not more:
            return
        for name, rates in more.items():
            seen[name] = sorted([*seen[name], *rates])
            tried[name] = sorted({*tried[name], *rates})
        further = RungRecord(f"{rung.name}, extension {turn}", "search", rung.epochs, rung.seeds)
        yield from known.ask(further, _grid(more, rung.seeds))


def _further(known: Progress, rung: RungRecord, name: str, seen: list[float], tried: list[float]) -> list[float]:
    """The next learning rates beyond the best one; none where it has runs of this length to either side."""
    means = _mean_scores(known, rung.name, name, seen)
    best = _best(means)
    has_diverged = means[best] == -math.inf
    if not has_diverged and seen[0] < best < seen[-1]:
        return []
    upwards = best == seen[-1] and not has_diverged
    there = [lr for lr in tried if lr > seen[-1]] if upwards else [lr for lr in reversed(tried) if lr < seen[0]]
    more = [*there, *beyond(tried, upwards=upwards, n=EXTENSION_SIZE)][:EXTENSION_SIZE]
    reason = "every learning rate diverged" if has_diverged else f"the best learning rate was at the edge ({best:g})"
    known.say("grid extended", rung.name, name, reason, edge=best, added=more)
    return more


def _foresee(known: Progress, rung: RungRecord, kept: dict[str, list[float]]) -> None:
    """What the seeds of the confirmation will be able to tell apart, in the metric's unit, from the spread seen so far."""
    best = {}
    for name, rates in kept.items():
        scores = _scores(known, rung.name, name)
        best[name] = max((scores[lr] for lr in rates), key=statistics.fmean)
    gaps = [[x - y for x, y in zip(best[a], best[b])] for a, b in itertools.combinations(best, 2)]
    spread = [statistics.variance(g) for g in gaps if len(g) > 1 and all(map(math.isfinite, g))]
    n = len(known.planned("confirm")[0].seeds)
    if not spread or statistics.median(spread) == 0:
        return
    size = evidence.smallest_difference(math.sqrt(statistics.median(spread)), n)
    told = f"{n} fresh seeds will find differences of about {amount(known.plan, size)} {measure(known.plan)} in 4 of 5 cases"
    known.say("forecast", rung.name, "", told, resolution=size, n=n)


def _choose(known: Progress, full: RungRecord, name: str, kept: list[float], tried: list[float]) -> None:
    """The arm's learning rate for the race. Where scores still rise at the edge of all that was tried, a better one may lie
    beyond: no fair arm."""
    rung, scores = full.name, _scores(known, full.name, name)
    means = _mean_scores(known, rung, name, kept)
    best = _best(means)
    if means[best] == -math.inf:
        _leave(known, rung, name, "diverged", f"{name} diverged at every learning rate that was kept")
    elif best in (tried[0], tried[-1]) and rises_to(best, scores):
        reason = f"the best learning rate is at the edge of the extended grid ({best:g})"
        _leave(known, rung, name, "not comparable", reason, best=best, tried=tried)
    else:
        chosen = best_rate(scores)
        known.rates[name] = chosen
        reason = f"learning rate {chosen:g} chosen, from {len(tried)} tried on a grid of {tried[0]:g} to {tried[-1]:g}"
        known.say("learning rate chosen", rung, name, reason, chosen=chosen, best_tried=best, kept=kept, tried=tried)


def _grid(rates: dict[str, list[float]], seeds: Iterable[int]) -> list[TrialKey]:
    return [TrialKey(arm, lr, seed) for arm, values in rates.items() for lr in values for seed in seeds]


def _leave(known: Progress, rung: str, arm: str, status: str, reason: str, **numbers: object) -> None:
    known.out[arm] = status
    known.say("arm flagged", rung, arm, reason, status=status, **numbers)


def _around(
    known: Progress, rung: RungRecord, name: str, seen: Sequence[float], tried: Sequence[float], reach: int
) -> list[float]:
    """The best learning rate of a rung, and those beside it of all that were tried."""
    at = tried.index(_best(_mean_scores(known, rung.name, name, seen)))
    return list(tried[max(0, at - reach) : at + reach + 1])


def _best(means: dict[float, float]) -> float:
    """The learning rate with the best mean; of equals, the one in the middle."""
    most = max(means.values())
    equals = sorted(lr for lr, mean in means.items() if mean == most)
    return equals[(len(equals) - 1) // 2]


def _mean_scores(known: Progress, rung: str, arm: str, rates: Sequence[float]) -> dict[float, float]:
    """Mean score over the seeds, turned so that more is better; a learning rate that diverged on any seed ranks last."""
    found = _scores(known, rung, arm)
    return {lr: sum(found[lr]) / len(found[lr]) if lr in found else -math.inf for lr in rates}


def _scores(known: Progress, rung: str, arm: str) -> dict[float, list[float]]:
    """Learning rate -> scores in the order of the seeds, more is better, -inf where a trial diverged; extensions included."""
    sign = 1.0 if known.plan.best == "max" else -1.0
    found: dict[float, list[float]] = {}
    for o in sorted((o for o in known.outcomes if o.arm == arm), key=lambda o: o.seed):
        if o.rung.split(",")[0] == rung:
            found.setdefault(o.learning_rate, []).append(-math.inf if o.diverged else sign * o.score)
    return found


# -- race -------------------------------------------------------------------------------------------------------------------


def _race(known: Progress) -> Talk:
    looks = known.planned("race")
    for i, rung in enumerate(looks):
        arms = known.racing()
        if len(arms) < 2:
            return
        keys = [TrialKey(arm, known.rates[arm], seed) for arm in arms for seed in rung.seeds]
        if i > 0 and known.spent + rung.epochs * len(keys) + _confirm_cost(known) > known.plan.budget_epochs:
            known.say(
                "race stopped", rung.name, "", "the rest of the budget is kept for the confirmation", spent=known.spent
            )
            return
        yield from known.ask(rung, keys)
        if _look(known, rung.name, i + 1, len(looks)):
            return


def race_scores(outcomes: Iterable[Outcome], arms: Sequence[str]) -> dict[str, list[float]]:
    """Each arm's race scores in the order of the seeds that all of these arms ran; NaN where it diverged."""
    by_arm: dict[str, dict[int, float]] = {arm: {} for arm in arms}
    for o in outcomes:
        if o.rung.startswith("race") and o.arm in by_arm:
            by_arm[o.arm][o.seed] = math.nan if o.diverged else o.score
    common = sorted(set.intersection(*(set(seeds) for seeds in by_arm.values()))) if by_arm else []
    return {arm: [by_arm[arm][seed] for seed in common] for arm in arms}


def _look(known: Progress, rung: str, look: int, looks: int) -> bool:
    """Eliminate what the evidence allows; True when the race is over."""
    plan, arms = known.plan, known.racing()
    scores = race_scores(known.outcomes, arms)
    step = evidence.race_step(scores, best=plan.best, look=look, looks=looks, alpha=plan.alpha)
    leader = step["leader"]
    for arm in step["eliminated"]:
        known.out[arm] = "eliminated"
        numbers = {k: step["arms"][arm][k] for k in ("difference", "p", "p_adjusted", "threshold")}
        reason = f"worse than {leader} on {step['n']} paired seeds"
        known.say("arm eliminated", rung, arm, reason, against=leader, look=look, n=step["n"], **numbers)
    arms = known.racing()
    if len(arms) == 1:
        known.say("race stopped", rung, arms[0], "one arm is left", look=look)
        return True
    rope = rope_of(plan, scores)
    if all(_is_equivalent(plan, scores, leader, arm, rope) for arm in arms if arm != leader):
        known.say("race stopped", rung, leader, "all remaining arms are equivalent", look=look, rope=rope)
        return True
    return False


def _is_equivalent(plan: Plan, scores: dict[str, list[float]], a: str, b: str, rope: float) -> bool:
    return evidence.paired_difference(scores[a], scores[b], a=a, b=b, best=plan.best, rope=rope).verdict == "equivalent"


# -- confirm ----------------------------------------------------------------------------------------------------------------


def _finalists(known: Progress) -> list[str]:
    """Winner of the race, runner-up, baseline; an eliminated arm may be runner-up when nobody else is left."""
    comparable = [a.name for a in known.plan.arms if known.out.get(a.name) in (None, "eliminated")]
    if len(comparable) < 2:
        return comparable
    sign = 1.0 if known.plan.best == "max" else -1.0

    def standing(arm: str) -> tuple[bool, int, float]:
        scores = race_scores(known.outcomes, [arm])[arm]
        mean = sum(sign * s if math.isfinite(s) else -math.inf for s in scores) / len(scores)
        return (arm not in known.out, len(scores), mean)

    alive = [a for a in comparable if a not in known.out]
    gone = sorted((a for a in comparable if a in known.out), key=standing, reverse=True)
    order = sorted(alive, key=standing, reverse=True) + gone
    baseline = [a.name for a in known.plan.arms if a.is_baseline and a.name in comparable]
    return list(dict.fromkeys(order[:2] + baseline))


def _confirm_cost(known: Progress) -> float:
    rung = known.planned("confirm")[0]
    return float(rung.epochs * len(rung.seeds) * 3)


def _confirm(known: Progress) -> Generator[Request, list[Outcome], list[str]]:
    """Fresh seeds, the test part. How many seeds is decided by what is left of the budget, before any of them is seen."""
    arms = _finalists(known)
    if len(arms) < 2:
        return arms
    rung = known.planned("confirm")[0]
    affordable = int((known.plan.budget_epochs - known.spent) / (rung.epochs * len(arms)))
    n = len(rung.seeds)
    if known.plan.max_seeds <= 0:
        n = min(MAX_CONFIRM_SEEDS, max(n, affordable))
    seeds = [rung.seeds[0] + i for i in range(n)]
    final = RungRecord(rung.name, "confirm", rung.epochs, seeds)
    yield from known.ask(final, [TrialKey(arm, known.rates[arm], seed) for arm in arms for seed in seeds])
    return arms

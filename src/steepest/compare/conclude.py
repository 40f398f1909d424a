"""From outcomes to a verdict: the confirmation's differences and one row per arm."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from steepest.results import evidence
from steepest.results.pairs import pair
from steepest.results.records import ArmSummary, Difference, Outcome, Plan, Verdict, as_json_number
from steepest.results.sampling import with_samples

from .sentence import notes, sentence

LEVEL = 0.95
OPEN = ("undecided", "equivalent")
"""Verdicts that name no better arm: a claim that names one is told first."""


def conclude(
    plan: Plan, outcomes: list[Outcome], rates: dict[str, float], out: dict[str, str], finalists: Sequence[str]
) -> Verdict:
    """The verdict rests on the confirmation alone; the search's and the race's scores are shown, never used for a claim."""
    confirmed = {arm: _scores(outcomes, arm, "confirm") for arm in finalists}
    differences = _differences(plan, confirmed, _left_out(outcomes, finalists))
    winner, runner_up = _first_two(finalists, differences)
    baseline = next((a.name for a in plan.arms if a.is_baseline), None)
    told = sorted(differences, key=lambda d: d.verdict in OPEN)
    return Verdict(
        sentence=sentence(plan, told, finalists, rates, baseline),
        kind=told[0].verdict if told else "only one comparable arm" if finalists else "nothing comparable",
        winner=winner,
        runner_up=runner_up,
        baseline=baseline,
        confirmation=told,
        arms=[_summary(plan, outcomes, rates, out, a.name, winner, finalists) for a in plan.arms],
        resolution=_resolution(confirmed),
        n_trials=len(outcomes),
        total_epochs=float(sum(o.epochs for o in outcomes)),
        notes=notes(plan, out, differences),
    )


def _scores(outcomes: Sequence[Outcome], arm: str, phase: str) -> list[float]:
    """In the order of the seeds; NaN where the trial diverged."""
    rows = sorted((o for o in outcomes if o.arm == arm and o.rung.startswith(phase)), key=lambda o: o.seed)
    return [math.nan if o.diverged else o.final() for o in rows]


def _left_out(outcomes: Sequence[Outcome], finalists: Sequence[str]) -> dict[str, list[float]]:
    """Each arm's mean test score over seeds with one part of the test samples left out; nothing where that is not known."""
    found = {}
    for arm in finalists:
        rows = [o.test_jackknife for o in outcomes if o.arm == arm and o.rung.startswith("confirm")]
        found[arm] = [statistics.fmean(column) for column in zip(*rows)] if all(rows) else []
    return found


def _differences(
    plan: Plan, confirmed: dict[str, list[float]], left_out: Mapping[str, Sequence[float]]
) -> list[Difference]:
    """Winner against runner-up, turned so that the better one comes first; then winner against baseline."""
    names = list(confirmed)
    if len(names) < 2:
        return []
    rope = rope_of(plan, confirmed)
    first = _against(plan, confirmed, names[0], names[1], rope, LEVEL)
    if first.difference < 0:
        first = _against(plan, confirmed, names[1], names[0], rope, LEVEL)
    rest = [_against(plan, confirmed, first.a, name, rope, LEVEL) for name in names[2:]]
    found = _corrected(plan, confirmed, [first, *rest])
    return [_with_samples(plan, confirmed, left_out, d) for d in found]


def _corrected(plan: Plan, confirmed: dict[str, list[float]], differences: list[Difference]) -> list[Difference]:
    """Two questions are asked of one confirmation: a claim whose Holm-adjusted p value exceeds alpha is judged anew, at the
    level that holds for both; its interval then agrees with the verdict."""
    adjusted = evidence.holm([d.p_value for d in differences])
    level = 1 - plan.alpha / len(differences)
    return [
        _against(plan, confirmed, d.a, d.b, d.rope, level) if p > plan.alpha and d.verdict not in OPEN else d
        for d, p in zip(differences, adjusted)
    ]


def _with_samples(
    plan: Plan, confirmed: dict[str, list[float]], left_out: Mapping[str, Sequence[float]], d: Difference
) -> Difference:
    """The difference with its interval for other samples (see results.sampling)."""
    overlap = float(plan.data["n_test"]) / float(plan.data["n_train"]) if plan.resampled else 0.0
    gaps = [a - b for a, b in zip(left_out[d.a], left_out[d.b])]
    return with_samples(d, pair(confirmed[d.a], confirmed[d.b], plan.best), gaps, overlap)


def rope_of(plan: Plan, scores: Mapping[str, Sequence[float]]) -> float:
    """The region of practical equivalence: the user's, or a quarter of the seeds' standard deviation, pooled over arms."""
    if plan.rope is not None:
        return plan.rope
    spreads = [statistics.variance(own) for own in _finite(scores.values()) if len(own) > 1]
    return evidence.ROPE_SHARE * math.sqrt(statistics.fmean(spreads)) if spreads else 0.0


def _finite(scores: Iterable[Sequence[float]]) -> list[list[float]]:
    return [[x for x in own if math.isfinite(x)] for own in scores]


def _against(plan: Plan, confirmed: dict[str, list[float]], a: str, b: str, rope: float, level: float) -> Difference:
    return evidence.paired_difference(confirmed[a], confirmed[b], a=a, b=b, best=plan.best, level=level, rope=rope)


def _first_two(finalists: Sequence[str], differences: Sequence[Difference]) -> tuple[str | None, str | None]:
    if differences:
        return differences[0].a, differences[0].b
    return (finalists[0] if finalists else None), None


def _summary(
    plan: Plan,
    outcomes: list[Outcome],
    rates: dict[str, float],
    out: dict[str, str],
    arm: str,
    winner: str | None,
    finalists: Sequence[str],
) -> ArmSummary:
    race, test = _scores(outcomes, arm, "race"), _scores(outcomes, arm, "confirm")
    own = [o for o in outcomes if o.arm == arm]
    select = evidence.mean_interval(race, LEVEL, plan.best, plan.limits)
    final = evidence.mean_interval(test, LEVEL, plan.best, plan.limits)
    return ArmSummary(
        name=arm,
        status="winner"
        if arm == winner
        else "confirmed"
        if arm in finalists and len(finalists) > 1
        else out.get(arm, "survived"),
        learning_rate=rates.get(arm),
        select_score=as_json_number(select.centre),
        select_low=as_json_number(select.low),
        select_high=as_json_number(select.high),
        n_seeds=len(race),
        test_score=as_json_number(final.centre),
        test_low=as_json_number(final.low),
        test_high=as_json_number(final.high),
        n_test_seeds=len(test),
        n_diverged=sum(o.diverged for o in own),
        n_trials=len(own),
    )


def _resolution(confirmed: dict[str, list[float]]) -> float | None:
    """The smallest difference between winner and runner-up that the confirmation's seeds find with 80 % power."""
    pairs = list(confirmed.values())[:2]
    if len(pairs) < 2:
        return None
    gaps = [a - b for a, b in zip(*pairs) if math.isfinite(a - b)]
    if len(gaps) < 2:
        return None
    mean = sum(gaps) / len(gaps)
    sd = math.sqrt(sum((g - mean) ** 2 for g in gaps) / (len(gaps) - 1))
    return evidence.smallest_difference(sd, len(gaps))

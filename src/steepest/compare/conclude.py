"""From outcomes to a verdict: the confirmation's differences, one row per arm, and the sentence that a reader takes home."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from steepest.results import evidence
from steepest.results.records import ArmSummary, Difference, Outcome, Plan, Verdict, as_json_number

LEVEL = 0.95
OPEN = ("undecided", "equivalent")
"""Verdicts that name no better arm: a claim that names one is told first."""


def conclude(
    plan: Plan, outcomes: list[Outcome], rates: dict[str, float], out: dict[str, str], finalists: Sequence[str]
) -> Verdict:
    """The verdict rests on the confirmation alone; the search's and the race's scores are shown, never used for a claim."""
    confirmed = {arm: _scores(outcomes, arm, "confirm") for arm in finalists}
    differences = _differences(plan, confirmed)
    winner, runner_up = _first_two(finalists, differences)
    baseline = next((a.name for a in plan.arms if a.is_baseline), None)
    told = sorted(differences, key=lambda d: d.verdict in OPEN)
    return Verdict(
        sentence=_sentence(plan, told, finalists, out, baseline),
        kind=told[0].verdict if told else "only one comparable arm" if finalists else "nothing comparable",
        winner=winner,
        runner_up=runner_up,
        baseline=baseline,
        confirmation=told,
        arms=[_summary(plan, outcomes, rates, out, a.name, winner, finalists) for a in plan.arms],
        resolution=_resolution(confirmed),
        n_trials=len(outcomes),
        total_epochs=float(sum(o.epochs for o in outcomes)),
        notes=_notes(plan, out, differences),
    )


def _scores(outcomes: Sequence[Outcome], arm: str, phase: str) -> list[float]:
    """In the order of the seeds; NaN where the trial diverged."""
    rows = sorted((o for o in outcomes if o.arm == arm and o.rung.startswith(phase)), key=lambda o: o.seed)
    return [math.nan if o.diverged else o.final() for o in rows]


def _differences(plan: Plan, confirmed: dict[str, list[float]]) -> list[Difference]:
    """Winner against runner-up, turned so that the better one comes first; then winner against baseline."""
    names = list(confirmed)
    if len(names) < 2:
        return []
    rope = rope_of(plan, confirmed)
    first = _against(plan, confirmed, names[0], names[1], rope)
    if first.difference < 0:
        first = _against(plan, confirmed, names[1], names[0], rope)
    rest = [_against(plan, confirmed, first.a, name, rope) for name in names[2:]]
    return _corrected([first, *rest], plan.alpha)


def _corrected(differences: list[Difference], alpha: float) -> list[Difference]:
    """Two questions are asked of one confirmation: a claim whose Holm-adjusted p value exceeds alpha is taken back a step."""
    adjusted = evidence.holm([d.p_value for d in differences])
    weaker = {
        "better": "probably better",
        "worse": "probably worse",
        "probably better": "undecided",
        "probably worse": "undecided",
    }
    return [
        replace(d, verdict=weaker.get(d.verdict, d.verdict)) if p > alpha else d for d, p in zip(differences, adjusted)
    ]


def rope_of(plan: Plan, scores: Mapping[str, Sequence[float]]) -> float:
    """The region of practical equivalence: the user's, or a quarter of the seeds' standard deviation, pooled over arms."""
    if plan.rope is not None:
        return plan.rope
    spreads = [statistics.variance(own) for own in _finite(scores.values()) if len(own) > 1]
    return evidence.ROPE_SHARE * math.sqrt(statistics.fmean(spreads)) if spreads else 0.0


def _finite(scores: Iterable[Sequence[float]]) -> list[list[float]]:
    return [[x for x in own if math.isfinite(x)] for own in scores]


def _against(plan: Plan, confirmed: dict[str, list[float]], a: str, b: str, rope: float) -> Difference:
    return evidence.paired_difference(confirmed[a], confirmed[b], a=a, b=b, best=plan.best, level=LEVEL, rope=rope)


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
    select = evidence.mean_interval(race, LEVEL, plan.best)
    final = evidence.mean_interval(test, LEVEL, plan.best)
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


# -- words ------------------------------------------------------------------------------------------------------------------


def amount(plan: Plan, value: float) -> str:
    """A score or a difference in the metric's unit: percent points for shares, with a digit that tells it from zero."""
    if plan.unit != "points":
        return f"{value:.4g}"
    return f"{100 * value:.1f}" if abs(value) >= 5e-4 or value == 0 else f"{100 * value:.2f}"


def _measure(plan: Plan) -> str:
    return f"points of {plan.metric}" if plan.unit == "points" else f"in {plan.metric}"


def _sentence(
    plan: Plan, differences: Sequence[Difference], finalists: Sequence[str], out: dict[str, str], baseline: str | None
) -> str:
    if not differences:
        if finalists:
            return f"Only {finalists[0]} could be judged: every other arm diverged or is not comparable."
        return "No arm could be judged: all diverged or had their best learning rate at the edge of the grid."
    words = [_claim(plan, d, baseline, brief=i > 0) for i, d in enumerate(differences)]
    if all(baseline in (d.a, d.b) for d in differences) and baseline not in (d.b for d in differences):
        words.append(f"{baseline} is the baseline.")
    return " ".join(words)


def _claim(plan: Plan, d: Difference, baseline: str | None, brief: bool) -> str:
    """One difference in words. The first of a sentence says on how many seeds and samples all of them rest."""
    interval = f"95 % CI {amount(plan, d.low)} to {amount(plan, d.high)}"
    basis = "" if brief else f"; {d.n} fresh seeds, {plan.data.get('n_test')} test samples"
    tail, size = f"({interval}{basis})", f"{amount(plan, abs(d.difference))} {_measure(plan)}"
    against = f"{d.b} (the baseline)" if d.b == baseline else d.b
    if d.verdict == "equivalent":
        return f"{d.a} and {against} are equivalent: they differ by {size} {tail}."
    if d.verdict == "undecided":
        more = f"; about {d.more_seeds} more seeds would tell" if d.more_seeds else ""
        return f"Undecided: {d.a} against {against}, {amount(plan, d.difference)} {_measure(plan)}{more} {tail}."
    return f"{d.a} is {d.verdict} than {against} by {size} {tail}."


def _notes(plan: Plan, out: dict[str, str], differences: Sequence[Difference]) -> list[str]:
    notes = []
    flagged = [arm for arm, why in out.items() if why == "not comparable"]
    if flagged:
        notes.append(f"Not comparable, best learning rate at the edge of the extended grid: {', '.join(flagged)}.")
    diverged = [arm for arm, why in out.items() if why == "diverged"]
    if diverged:
        notes.append(f"Diverged: {', '.join(diverged)}.")
    if differences:
        unit = " points" if plan.unit == "points" else ""
        source = "as given" if plan.rope is not None else "a quarter of the seeds' standard deviation"
        notes.append(f"Differences within ±{amount(plan, differences[0].rope)}{unit} count as equivalent ({source}).")
        notes.append(
            "Intervals cover split, initialisation, batch order and dropout; the test part is one and the same for all seeds."
        )
    return notes

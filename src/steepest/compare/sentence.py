"""The verdict in words: the sentence that a reader takes home, and what must be read with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steepest.results.evidence import PROBABLY
from steepest.results.records import Difference, Plan

FINE = ("better", "probably better", "equivalent")


def sentence(
    plan: Plan,
    differences: Sequence[Difference],
    finalists: Sequence[str],
    rates: Mapping[str, float],
    baseline: str | None,
) -> str:
    """One claim for each difference; then what became of the user's own choice."""
    if not differences:
        if finalists:
            return f"Only {finalists[0]} could be judged: every other arm diverged or is not comparable."
        return "No arm could be judged: all diverged or had their best learning rate at the edge of the grid."
    words = [_claim(plan, d, baseline, brief=i > 0) for i, d in enumerate(differences)]
    if all(d.a == baseline for d in differences):
        words.append(f"{baseline} is the baseline.")
    choice = _about_choice(plan, differences, rates, baseline)
    return " ".join([*words, choice] if choice else words)


def _claim(plan: Plan, d: Difference, baseline: str | None, brief: bool) -> str:
    """One difference in words. The first of a sentence says on how many seeds and samples all of them rest."""
    size = f"{amount(plan, abs(d.difference))} {measure(plan)}"
    against = f"{d.b} (the baseline)" if d.b == baseline else d.b
    tail = f"({'; '.join(_evidence(plan, d, brief))})"
    if d.verdict == "equivalent":
        return f"{d.a} and {against} are equivalent: they differ by {size} {tail}."
    if d.verdict == "undecided" and (d.low > 0 or d.high < 0):
        ahead, behind = (d.a, against) if d.low > 0 else (against, d.a)
        won = f"wins on {100 * max(d.p_better, 1 - d.p_better):.0f} % of seeds only"
        return f"Undecided: {ahead} is ahead of {behind} by {size}, but {won} {tail}."
    if d.verdict == "undecided":
        seeds = "seed" if d.more_seeds == 1 else "seeds"
        more = f"; about {d.more_seeds} more {seeds} would tell" if d.more_seeds else ""
        return f"Undecided: {d.a} against {against}, {amount(plan, d.difference)} {measure(plan)}{more} {tail}."
    return f"{d.a} is {d.verdict} than {against} by {size} {tail}."


def _evidence(plan: Plan, d: Difference, brief: bool) -> list[str]:
    """What stands in the brackets behind a claim."""
    words = [f"{100 * d.level:g} % CI {amount(plan, d.low)} to {amount(plan, d.high)}"]
    if not brief:
        tested = f"{plan.data.get('n_test')} test samples" + (", drawn anew for each" if plan.resampled else "")
        words.append(f"{d.n} fresh seeds, {tested}")
    if d.sample_low is not None and d.sample_high is not None:
        words.append(f"for other samples {amount(plan, d.sample_low)} to {amount(plan, d.sample_high)}")
    return words


def _about_choice(
    plan: Plan, differences: Sequence[Difference], rates: Mapping[str, float], baseline: str | None
) -> str:
    """What became of the setting that the user came with; nothing where none was named, or nothing is known."""
    if not plan.request.get("baseline") or baseline is None:
        return ""
    ahead = [d for d in differences if d.a == baseline]
    behind = [d for d in differences if d.b == baseline]
    if ahead and not behind and ahead[0].verdict in FINE or any(d.verdict == "equivalent" for d in behind):
        return f"Your choice was fine: nothing better than {baseline} was found."
    tuned = _tuned(plan, baseline)
    if tuned is None or tuned not in rates or not any(d.a == tuned and d.verdict in FINE[:2] for d in behind):
        return ""
    return f"Your choice was fine but for its learning rate: {rates[tuned]:g} in the place of {rates[baseline]:g}."


def _tuned(plan: Plan, baseline: str) -> str | None:
    """The arm that is the baseline but for its learning rate."""
    own = plan.arm(baseline)
    for arm in plan.arms:
        is_same = (arm.loss, arm.weighting, arm.schedule) == (own.loss, own.weighting, own.schedule)
        if own.fixed_learning_rate and not arm.fixed_learning_rate and is_same and arm.optimizer == own.untuned:
            return arm.name
    return None


def notes(plan: Plan, out: Mapping[str, str], differences: Sequence[Difference]) -> list[str]:
    """What the verdict leaves out, and what its intervals mean."""
    found = []
    flagged = [arm for arm, why in out.items() if why == "not comparable"]
    if flagged:
        found.append(f"Not comparable, best learning rate at the edge of the extended grid: {', '.join(flagged)}.")
    diverged = [arm for arm, why in out.items() if why == "diverged"]
    if diverged:
        found.append(f"Diverged: {', '.join(diverged)}.")
    if not differences:
        return found
    unit = " points" if plan.unit == "points" else ""
    source = "as given" if plan.rope is not None else "a quarter of the seeds' standard deviation"
    found.append(f"Differences within ±{amount(plan, differences[0].rope)}{unit} count as equivalent ({source}).")
    found += _what_intervals_cover(plan, differences[0])
    if any(d.verdict == "undecided" and (d.low > 0 or d.high < 0) for d in differences):
        found.append(
            f"A difference that fewer than {100 * PROBABLY:.0f} % of seeds show is not called: chance had a part in choosing "
            "each arm's learning rate, and that alone makes as much."
        )
    return found


def _what_intervals_cover(plan: Plan, d: Difference) -> list[str]:
    """Seeds on the samples at hand; and, where it is known, the drawing of the samples."""
    if d.sample_low is None:
        return ["Intervals cover split, initialisation, batch order and dropout, not the drawing of the samples."]
    seeds = "The first interval covers split, initialisation, batch order and dropout on these samples"
    both = "Only a difference that the interval for other samples confirms is called better without a probably."
    if not plan.resampled:
        test = "the one for other samples adds the drawing of the test part, which all seeds share (jackknife)"
        return [f"{seeds}; {test}.", both]
    n, n_train, n_test = (int(plan.data[name]) for name in ("n_samples", "n_train", "n_test"))
    return [
        f"{seeds}. They are few ({n}), so every seed draws its own test part; learning rates were chosen on other such splits.",
        f"Two seeds share about {100 * n_train / n:.0f} % of their training samples: the interval for other samples takes "
        f"1/{d.n} + {n_test}/{n_train} of the variance in the place of 1/{d.n} (Nadeau & Bengio 2003).",
        both,
    ]


def amount(plan: Plan, value: float) -> str:
    """A score or a difference in the metric's unit: percent points for shares, with a digit that tells it from zero."""
    if plan.unit != "points":
        return f"{value:.4g}"
    return f"{100 * value:.1f}" if abs(value) >= 5e-4 or value == 0 else f"{100 * value:.2f}"


def measure(plan: Plan) -> str:
    """The unit, after an amount."""
    return f"points of {plan.metric}" if plan.unit == "points" else f"in {plan.metric}"

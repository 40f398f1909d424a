"""The first thing on the page: the verdict in one sentence, its numbers, and what could not be told apart."""

from __future__ import annotations

from steepest.core.declare import section
from steepest.results.records import Difference, Study, Verdict

from ..blocks import Block, Fact, Facts, Headline, Notes, Part
from ..estimates import rope_of
from ..names import clean, count, listed
from ..numbers import amount, duration, probability, rate
from ..view import View

TONES = {
    "better": "good",
    "probably better": "good",
    "equivalent": "open",
    "undecided": "open",
    "only one comparable arm": "open",
}


@section(order=10, question="Which one is better?")
def verdict(study: Study) -> Block:
    view = View(study)
    if view.verdict is None:
        return _unfinished(view)
    v = view.verdict
    first, _, further = clean(v.sentence, 2000).partition("). ")  # a claim ends with its evidence in brackets
    parts: list[Part] = [
        Headline(clean(v.kind, 40), TONES.get(v.kind, "bad"), first + ")." if further else first, further),
        Facts(_facts(view, v), large=True),
    ]
    apart = _not_told_apart(view, v)
    if apart:
        parts.append(Notes(apart, "Could not be told apart"))
    if v.notes:
        parts.append(Notes([clean(n, 600) for n in v.notes], "Read with it"))
    return Block(parts=parts)


def _facts(view: View, v: Verdict) -> list[Fact]:
    s = view.scale
    facts = []
    if v.confirmation:
        d = v.confirmation[0]
        facts.append(
            Fact(
                "Difference" + s.points.replace(" points", ", points"),
                s.change(d.difference),
                f"{s.interval(d.low, d.high)} at {100 * d.level:g} %, against {view.label.get(d.b, d.b)}",
            )
        )
        facts.append(
            Fact("Chance to win on a fresh seed", probability(d.p_better), f"P(A > B), {count(d.n, 'fresh seed')}")
        )
    if v.winner is not None and view.chosen_rate(v.winner) is not None:
        facts.append(Fact("Learning rate", rate(view.chosen_rate(v.winner)), "of the winner, tuned in the search"))
    if v.resolution is not None:
        facts.append(
            Fact(
                "Resolution" + s.points.replace(" points", ", points"),
                s.score(v.resolution),
                "the smallest difference that these seeds find 4 times in 5",
            )
        )
    trials, epochs = (
        v.n_trials or len(view.study.outcomes),
        v.total_epochs or sum(o.epochs for o in view.study.outcomes),
    )
    time = f", {_in_one(duration(view.study.seconds))}" if view.study.seconds > 0 else ""
    spent = f"{amount(epochs)} epochs{time}"
    return [*facts, Fact("Trials", f"{trials:,}", spent)]


def _in_one(text: str) -> str:
    """That no line ends inside."""
    return text.replace(" ", "\u00a0")


def _not_told_apart(view: View, v: Verdict) -> list[str]:
    said = [_tie(view, d) for d in v.confirmation if d.verdict in ("equivalent", "undecided")]
    survived = [a for a in view.ranked if a in view.summaries and view.summaries[a].status == "survived"]
    if survived and v.winner is not None:
        names = listed(view.name(a) for a in survived)
        said.append(
            f"{names}: still in the race when it stopped, so not shown to be worse than {view.name(v.winner)}; not confirmed either."
        )
    return said


def _tie(view: View, d: Difference) -> str:
    s, pair = view.scale, f"{view.name(d.a)} and {view.name(d.b)}"
    numbers = f"{s.change(d.difference)}{s.points} {s.interval(d.low, d.high)}"
    if d.verdict == "equivalent":
        return f"{pair} are equivalent: {numbers} lies inside ±{s.score(d.rope)}{s.points}."
    more = f" About {count(d.more_seeds, 'more seed')} would tell." if d.more_seeds else ""
    return f"{pair}: {numbers} on {count(d.n, 'seed')} do not decide it.{more}"


def _unfinished(view: View) -> Block:
    done, planned = len(view.study.finished_rungs), len(view.plan.rungs)
    state = f"{done} of up to {planned} rungs are done" if done else "nothing has been trained"
    facts = [
        Fact("Trials", f"{len(view.study.outcomes):,}", "finished so far"),
        Fact("Arms", str(len(view.plan.arms)), "are compared"),
    ]
    if rope_of(view):
        facts.append(
            Fact(
                "Smallest difference that matters",
                view.scale.score(rope_of(view)),
                (view.scale.points or view.scale.unit).strip(),
            )
        )
    notes = ["Scores below are from the search: they choose learning rates and support no claim."] if done else []
    if view.plan.forecast:
        notes.append(clean(view.plan.forecast, 600))
    return Block(
        parts=[Headline("unfinished", "open", f"No verdict yet: {state}."), Facts(facts, large=True), Notes(notes)]
    )

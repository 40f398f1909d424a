"""Every arm in one table: how it ended, with which learning rate, its scores with intervals, its seeds and its diverged trials."""

from __future__ import annotations

import math
import statistics

from steepest.core.declare import section
from steepest.results.records import ArmSummary, Study

from ..blocks import Badge, Block, Cell, Column, Name, Table, Whisker
from ..charts.theme import span
from ..estimates import Estimate, estimate
from ..names import clean, count
from ..numbers import NONE, rate
from ..view import View

TONES = {
    "winner": "good",
    "confirmed": "good",
    "survived": "quiet",
    "eliminated": "quiet",
    "not comparable": "open",
    "diverged": "bad",
}
ROLES = {"winner": "", "runner": "runner-up", "baseline": "baseline", "other": ""}
Triple = tuple[float | None, float | None, float | None]


@section(order=30, question="How did every arm do?")
def arms(study: Study) -> Block | None:
    view = View(study)
    if not study.outcomes:
        return None
    return _final(view) if view.summaries else _so_far(view)


def _final(view: View) -> Block:
    rows = [view.summaries[a] for a in view.ranked if a in view.summaries]
    triples = [t for r in rows for t in (_select(r), _test(r))]
    domain = span(v for t in triples for v in t if v is not None)
    columns = [
        Column("Arm", wide=True),
        Column("Ended"),
        Column("Learning rate", True),
        Column(f"Select part, {view.scale.axis}", True),
        Column("Test part, fresh seeds", True),
        Column("Seeds", True),
        Column("Diverged", True),
    ]
    cells = [_cells(view, r, domain) for r in rows]
    caption = "Means with 95 % intervals over seeds, on one common axis; seeds of race + confirmation. Only the test part, on seeds that chose nothing, supports a claim."
    return Block(_answer(view, rows), [Table(columns, cells, caption)])


def _cells(view: View, r: ArmSummary, domain: list[float]) -> list[Cell]:
    hue = view.role[r.name]
    detail = ROLES[hue] + (
        " and baseline" if view.verdict and r.name == view.verdict.baseline and hue == "runner" else ""
    )
    if view.verdict and r.name == view.verdict.baseline == view.verdict.winner:
        detail = "baseline"
    detail = "; ".join(said for said in (detail, clean(r.note, 200) if r.note else "", _factors(view, r.name)) if said)
    return [
        Name(view.label[r.name], hue, detail),
        Badge(clean(r.status, 30), TONES.get(r.status, "quiet")),
        rate(r.learning_rate),
        _whisker(view, _select(r), domain, hue),
        _whisker(view, _test(r), domain, hue),
        f"{r.n_seeds} + {r.n_test_seeds}",
        f"{r.n_diverged} of {r.n_trials}",
    ]


def _factors(view: View, arm: str) -> str:
    """What the summands of its loss were multiplied by in the end, where it learned that: mean and spread over seeds."""
    runs = [o.factors for o in view.latest(arm) if o.factors and o.learning_rate == view.chosen_rate(arm)]
    if not runs:
        return ""
    terms = [clean(term.removeprefix("learned*"), 60) for term in view.plan.arm(arm).loss.split(" + ")]
    said = [f"{_with_spread(own)} of {term}" for own, term in zip(zip(*runs), terms)]
    return f"factors learned: {', '.join(said)} (sd over {count(len(runs), 'seed')})"


def _with_spread(values: tuple[float, ...]) -> str:
    return f"{statistics.fmean(values):.3g}" + (f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else "")


def _select(r: ArmSummary) -> Triple:
    return r.select_score, r.select_low, r.select_high


def _test(r: ArmSummary) -> Triple:
    return r.test_score, r.test_low, r.test_high


def _whisker(view: View, triple: Triple, domain: list[float], hue: str) -> Cell:
    mean, low, high = triple
    if mean is None or not math.isfinite(mean):
        return NONE
    known = low is not None and high is not None and not math.isnan(low) and not math.isnan(high)
    ends = (low, mean, high) if known else (mean, mean, mean)
    place = [100 * min(1.0, max(0.0, (v - domain[0]) / (domain[1] - domain[0]))) for v in ends if v is not None]
    interval = view.scale.interval(low, high) if known else ""
    return Whisker(view.scale.score(mean), interval, (place[0], place[1], place[2]), hue)


def _answer(view: View, rows: list[ArmSummary]) -> str:
    counts = {status: sum(r.status == status for r in rows) for status in TONES}
    said = [f"{n} {status}" for status, n in counts.items() if n and status != "winner"]
    parts = [*(["one winner"] if counts["winner"] else []), *said]
    return count(len(rows), "arm") + (f": {', '.join(parts)}." if parts else ".")


def _so_far(view: View) -> Block:
    found = {a: _standing(view, a) for a in view.ranked if view.outcomes.get(a)}
    domain = span(v for e, _ in found.values() if e for v in (e.mean, e.low, e.high))
    rows: list[list[Cell]] = []
    for arm, (e, rung) in found.items():
        mine = view.outcomes[arm]
        triple = (e.mean, e.low, e.high) if e else (None, None, None)
        rows.append(
            [
                Name(view.label[arm], view.role[arm], ROLES[view.role[arm]]),
                clean(rung, 40),
                rate(view.chosen_rate(arm)),
                _whisker(view, triple, domain, "other"),
                str(e.n if e else 0),
                f"{sum(o.diverged for o in mine)} of {len(mine)}",
            ]
        )
    columns = [
        Column("Arm", wide=True),
        Column("Last rung"),
        Column("Best rate so far", True),
        Column(f"Select part, {view.scale.axis}", True),
        Column("Seeds", True),
        Column("Diverged", True),
    ]
    return Block(
        "The order so far, by scores that still choose learning rates; it supports no claim.", [Table(columns, rows)]
    )


def _standing(view: View, arm: str) -> tuple[Estimate | None, str]:
    at = view.chosen_rate(arm)
    runs = [o for o in view.latest(arm) if o.learning_rate == at] or view.latest(arm)
    return estimate([o.final() for o in runs], view.plan.limits), runs[0].rung

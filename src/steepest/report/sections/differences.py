"""The differences behind the verdict: confirmed ones with their tests, and those of the race, which only chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from steepest.core.declare import section
from steepest.results.records import Difference, Study

from ..blocks import Badge, Block, Cell, Column, Figure, Key, Name, Table
from ..charts.forest import Row, forest
from ..estimates import compare_pairs, rope_of
from ..numbers import NONE, minus, p_value, probability
from ..view import View

TONES = {
    "better": "good",
    "probably better": "good",
    "equivalent": "quiet",
    "undecided": "open",
    "worse": "bad",
    "probably worse": "bad",
}


@dataclass(frozen=True)
class _Found:
    difference: Difference
    claimed: bool


@section(order=20, question="How large is the difference, and how sure is it?")
def differences(study: Study) -> Block | None:
    view = View(study)
    found = _found(view)
    if not found:
        return None
    winner, rope, s = found[0].difference.a, rope_of(view), view.scale
    title = f"by how much {view.label[winner]} is better: {s.axis}"
    rows = [_row(view, f) for f in found]
    figure = Figure(
        partial(forest, rows, s.shown(rope) if rope else None, title),
        alt="; ".join(f"{view.label[winner]} minus {r.label}: {r.text}" for r in rows),
        caption=_caption(view, found, rope),
        keys=_keys(found, rope),
    )
    return Block(_answer(view, found), [figure, _table(view, found)])


def _found(view: View) -> list[_Found]:
    """The winner against every arm that shares seeds with it."""
    if view.verdict is None or view.verdict.winner is None:
        return []
    confirmed = [_Found(d, True) for d in view.verdict.confirmation if d.a in view.label and d.b in view.label]
    winner = confirmed[0].difference.a if confirmed else view.verdict.winner
    done = {winner, *(f.difference.b for f in confirmed)}
    others = [compare_pairs(view, winner, arm) for arm in view.shown() if arm not in done]
    return confirmed + [_Found(o[0], False) for o in others if o is not None]


def _row(view: View, f: _Found) -> Row:
    d, s = f.difference, view.scale
    pairs = view.pairs(d.a, d.b)
    seeds = (
        tuple(s.sign * s.shown(x - y) for x, y in zip(pairs.a, pairs.b)) if pairs and len(pairs.seeds) == d.n else ()
    )
    text = f"{s.change(d.difference)}{s.points} {s.interval(d.low, d.high)}"
    return Row(
        view.label[d.b],
        _colour(view, d),
        s.shown(d.difference),
        s.shown(d.low),
        s.shown(d.high),
        text,
        seeds,
        f.claimed,
        (s.shown(d.sample_low), s.shown(d.sample_high))
        if d.sample_low is not None and d.sample_high is not None
        else None,
    )


def _colour(view: View, d: Difference) -> str:
    role = view.role[d.b]
    return role if role in ("runner", "baseline") else "other"


def _answer(view: View, found: Sequence[_Found]) -> str:
    first, s = found[0], view.scale
    d = first.difference
    where = "fresh seeds, on the test part" if first.claimed else "shared seeds: no claim rests on it"
    return (
        f"{view.name(d.a)} against {view.name(d.b)}: {s.change(d.difference)}{s.points} of {s.metric}, "
        f"{100 * d.level:g} % interval {s.interval(d.low, d.high)}, on {d.n} {where}."
    )


def _caption(view: View, found: Sequence[_Found], rope: float | None) -> str:
    said = "Small dots are single seeds, paired: both arms had the same split, start and batch order."
    if rope:
        said += (
            f" Inside the band, ±{view.scale.score(rope)}{view.scale.points}, a difference does not matter in practice."
        )
    if any(not f.claimed for f in found):
        said += " Rings were not tested in the confirmation: they come from the race, which decided who went on, and are no claim."
    return said + view.rest()


def _keys(found: Sequence[_Found], rope: float | None) -> list[Key]:
    keys = [Key("dot", "ink", "confirmed on fresh seeds")] if any(f.claimed for f in found) else []
    keys += [Key("ring", "ink", "race, no claim")] if any(not f.claimed for f in found) else []
    keys += [Key("line", "faint", "thin: for other samples")] if _of_samples(found) else []
    return keys + ([Key("band", "band", "practically equal")] if rope else [])


def _of_samples(found: Sequence[_Found]) -> bool:
    """Whether there is an interval that covers the drawing of the samples too."""
    return any(f.difference.sample_low is not None for f in found)


def _table(view: View, found: Sequence[_Found]) -> Table:
    columns = [
        Column("Compared with", wide=True),
        Column("Difference", True),
        Column("Interval", True),
        *([Column("Other samples", True)] if _of_samples(found) else []),
        Column("P(A > B)", True),
        Column("Effect size", True),
        Column("p (Holm)", True),
        Column("Seeds", True),
        Column("Verdict"),
    ]
    return Table(
        columns,
        [_cells(view, f, _of_samples(found)) for f in found],
        "Effect size: difference over the standard deviation of the paired differences."
        + (" Other samples: the interval if the data had been drawn anew as well." if _of_samples(found) else ""),
    )


def _cells(view: View, f: _Found, of_samples: bool) -> list[Cell]:
    d, s = f.difference, view.scale
    judged = Badge(d.verdict, TONES.get(d.verdict, "quiet")) if f.claimed else Badge("no claim", "quiet")
    return [
        Name(view.label[d.b], _colour(view, d)),
        s.change(d.difference),
        s.interval(d.low, d.high),
        *([s.interval(d.sample_low, d.sample_high) if d.sample_low is not None else NONE] if of_samples else []),
        probability(d.p_better),
        minus(f"{d.effect_size:.2f}"),
        p_value(d.p_value) if f.claimed else NONE,
        str(d.n),
        judged,
    ]

"""All numbers of the study as JSON inside the page, so that the page is also the file that a program reads."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

from steepest.core.errors import DataError
from steepest.results.records import Event, Outcome, Plan, Study, Verdict

from .charts.theme import thinned

FORMAT = 1
MOST_POINTS = 6_000  # pairs of all curves together, about 13 bytes each
DIGITS = 5
LETTERS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def as_json(study: Study) -> str:
    """The study's records. Safe inside a script element: no tag can begin in it.

    NaN is null. `outcomes` holds one list for each field (a data frame can be made of it); there, `arm` counts in `arms`.
    Curves are rounded to five digits, and thinned when they are many: `curve_points` says to how many points each (null: all).
    """
    plain = replace(study, outcomes=[]).plain()
    arms = list(dict.fromkeys([*(a.name for a in study.plan.arms), *(o.arm for o in study.outcomes)]))
    most = _points_each(study)
    plain["outcomes"] = {
        f.name: [_cell(getattr(o, f.name), f.name, arms, most) for o in study.outcomes] for f in fields(Outcome)
    }
    return json_for_script({"format": FORMAT, "curve_points": most, "arms": arms, **plain})


def json_for_script(plain: dict[str, Any]) -> str:
    """Plain values as JSON inside a script element: NaN is null, and no tag can begin in it."""
    text = json.dumps(_finite(plain), separators=(",", ":"), allow_nan=False)
    for letter, code in LETTERS.items():
        text = text.replace(letter, code)
    return text


def study_in(page: str) -> Study:
    """The study that a page was drawn from, but for what its curves lost. A score that is null is NaN again."""
    reader = _Reader()
    reader.feed(page)
    try:
        found = json.loads("".join(reader.found))
        columns = found["outcomes"]
        rows = [dict(zip(columns, row)) for row in zip(*columns.values())]
        verdict = found["verdict"]
        plain = {f.name: found[f.name] for f in fields(Study) if f.name in found}
        return Study(
            **{
                **plain,
                "plan": Plan.of(found["plan"]),
                "events": [Event.of(e) for e in found["events"]],
                "verdict": Verdict.of(verdict) if verdict is not None else None,
                "outcomes": [_outcome(row, found["arms"]) for row in rows],
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            where="the page",
            seen="no study of ours is embedded in it",
            needed="a page that steepest wrote was needed",
            repair="Give the path of a report.html.",
        ) from error


def _outcome(row: dict[str, Any], arms: list[str]) -> Outcome:
    return Outcome.of({**row, "arm": arms[row["arm"]], "score": math.nan if row["score"] is None else row["score"]})


def _cell(value: Any, name: str, arms: list[str], most: int | None) -> Any:
    if name == "arm":
        return arms.index(value)
    if name in ("curve", "loss_curve"):
        return [[_rounded(v) for v in pair] for pair in (thinned(value, most) if most else value)]
    return value


def _points_each(study: Study) -> int | None:
    curves = [c for o in study.outcomes for c in (o.curve, o.loss_curve) if c]
    return max(2, MOST_POINTS // len(curves)) if sum(map(len, curves)) > MOST_POINTS else None


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        return value
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


class _Reader(HTMLParser):
    """Collects the text of script#study."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and ("id", "study") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)

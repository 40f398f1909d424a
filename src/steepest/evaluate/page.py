"""The page of an evaluation: one HTML file in the look of all pages, all numbers in it as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from steepest.report.blocks import (
    Bar,
    Block,
    Cell,
    Code,
    Column,
    Fact,
    Facts,
    Figure,
    Headline,
    Key,
    Name,
    Notes,
    Part,
    Table,
    Text,
    Whisker,
)
from steepest.report.charts.confusion import confusion
from steepest.report.charts.reliability import Level, reliability
from steepest.report.charts.residuals import residuals
from steepest.report.embedded import json_for_script
from steepest.report.names import clean, count, labels, listed
from steepest.report.numbers import p_value
from steepest.report.render import document

from .curves_shown import class_curves
from .record import Calibration, ClassRow, Findings, Number, Residuals, Slice, Threshold
from .shown import between, interval, percent, title, value

MOST_SQUARES = 20
MOST_ROWS = 40


def page(found: Findings) -> str:
    """HTML that needs nothing else and runs no script."""
    asked: list[tuple[str, str, Block | None]] = [
        ("numbers", "How good is it?", _numbers(found)),
        ("classes", "Which classes are hard?", _classes(found)),
        ("confusion", "What is mistaken for what?", _confusion(found)),
        ("residuals", "Where is it off?", _residuals(found)),
        ("calibration", "Does sure mean right?", _calibration(found)),
        ("curves", "How does finding trade against false alarms?", class_curves(found)),
        ("threshold", "From where on say yes?", _threshold(found)),
        ("slices", "Where is it worse?", _slices(found)),
        ("costly", "Which rows cost most?", _costly(found)),
        ("labels", "Which labels may be wrong?", _suspects(found)),
        ("repeat", "How was it measured?", _repeat(found)),
    ]
    sections = [(name, question, block) for name, question, block in asked if block is not None]
    heading = f"{clean(found.model, 40)} on {clean(found.data, 40)}: evaluation"
    return document(heading, sections, json_for_script(found.plain()))


# -- the whole -------------------------------------------------------------------------------------------------------


def _numbers(found: Findings) -> Block:
    first = found.numbers[0]
    level = f"{100 * found.level:g} %"
    sentence = f"{title(first.name).capitalize()} {value(first)}, {level} interval {interval(first)}."
    facts = [Fact(title(n.name), value(n), interval(n)) for n in found.numbers]
    parts: list[Part] = [
        Headline(found.task, "good", sentence, f"Measured on {count(found.n, 'row')} of {clean(found.data, 60)}."),
        Facts(facts, large=True),
    ]
    flagged: dict[str, list[str]] = {}
    for n in found.numbers:
        flagged.setdefault(n.note, []).append(title(n.name))
    flags = [f"{listed(names, 12).capitalize()}: {note}" for note, names in flagged.items() if note]
    if flags or found.notes:
        parts.append(Notes([*flags, *(clean(note, 400) for note in found.notes)], "Read with it"))
    parts.append(
        Text("An interval holds the value for other rows of the same kind in as many of 100 cases as its level says.")
    )
    return Block(parts=parts)


def _classes(found: Findings) -> Block | None:
    if not found.classes:
        return None
    names = labels([row.name for row in found.classes], 40)
    columns = [Column("class"), Column("true", True), Column("said", True)]
    columns += [Column(title(n.name)) for n in found.classes[0].numbers]
    ordered = sorted(found.classes, key=lambda row: row.numbers[-1].value if row.support else 2.0)
    rows: list[list[Cell]] = [
        [Name(names[row.name]), f"{row.support:,}", f"{row.predicted:,}", *map(_whisker, row.numbers)]
        for row in ordered[:MOST_ROWS]
    ]
    left = len(ordered) - MOST_ROWS
    caption = "The hardest first, with intervals of the class." + (
        f" {left} easier ones are in the JSON." if left > 0 else ""
    )
    return Block(_hardest(ordered[0], names), [Table(columns, rows, caption)])


def _hardest(row: ClassRow, names: dict[str, str]) -> str:
    n = row.numbers[-1]
    return f"The hardest is {names[row.name]}: {title(n.name)} {value(n)} {interval(n)} on {count(row.support, 'row')}."


def _whisker(n: Number) -> Whisker:
    known = n.low == n.low and n.high == n.high and n.value == n.value
    position = (100 * n.low, 100 * n.value, 100 * n.high) if known else None
    return Whisker(value(n), interval(n) if known else "", position, "winner")


def _confusion(found: Findings) -> Block | None:
    if not found.confusion:
        return None
    names = list(labels([row.name for row in found.classes], 28).values())
    parts: list[Part] = []
    if len(names) <= MOST_SQUARES:
        alt = "Confusion matrix. " + "; ".join(f"{p.true} called {p.predicted}: {p.n}" for p in found.confused[:6])
        keys = [Key("band", "winner", "right"), Key("band", "baseline", "mistaken")]
        draw = partial(confusion, found.confusion, names)
        parts.append(
            Figure(draw, clean(alt, 900), "Rows: the true class. Columns: what the model said, by number.", keys)
        )
    if found.confused:
        columns = [Column("true"), Column("called"), Column("rows", True), Column("share of the true ones")]
        rows: list[list[Cell]] = [
            [
                clean(p.true, 40),
                clean(p.predicted, 40),
                f"{p.n:,}",
                Whisker(
                    percent(p.share), between(p.low, p.high), (100 * p.low, 100 * p.share, 100 * p.high), "baseline"
                ),
            ]
            for p in found.confused
        ]
        parts.append(Table(columns, rows))
    worst = found.confused[0] if found.confused else None
    said = (
        f"Most often {clean(worst.true, 40)} is called {clean(worst.predicted, 40)}: {count(worst.n, 'row')}."
        if worst
        else "No mistake."
    )
    return Block(said, parts)


def _residuals(found: Findings) -> Block | None:
    if not found.residuals:
        return None
    parts: list[Part] = []
    for r in found.residuals[:6]:
        parts.append(_cloud(r))
        quantiles = [Fact(name, value(Number("", v, v, v))) for name, v in r.quantiles.items()]
        parts.append(Facts([Fact("mean residual", value(r.bias), interval(r.bias)), *quantiles]))
    bias = found.residuals[0].bias
    answer = (
        "On average it is too low."
        if bias.low > 0
        else "On average it is too high."
        if bias.high < 0
        else "No bias to be seen."
    )
    return Block(answer, parts)


def _cloud(r: Residuals) -> Figure:
    alt = f"Residuals over predictions. Mean {value(r.bias)} {interval(r.bias)}; " + ", ".join(
        f"{name} {v:.4g}" for name, v in r.quantiles.items()
    )
    return Figure(
        partial(residuals, r.cloud), alt, f"Up to {len(r.cloud)} rows, evenly taken from low to high predictions."
    )


# -- probabilities ---------------------------------------------------------------------------------------------------


def _calibration(found: Findings) -> Block | None:
    c = found.calibration
    if c is None:
        return None
    levels = [
        Level(
            b.confidence,
            b.accuracy,
            b.low,
            b.high,
            f"confidence {percent(b.confidence)}: right {percent(b.accuracy)} {between(b.low, b.high)} of {b.n}",
        )
        for b in c.bins
    ]
    missed = sum(not b.low <= b.confidence <= b.high for b in c.bins)
    keys = [
        Key("dash", "faint", "sure means right"),
        Key("dot", "winner", "band misses the line"),
        Key("ring", "winner", "band holds it"),
    ]
    alt = "Reliability diagram. " + "; ".join(level.text for level in levels)
    draw = partial(reliability, levels)
    parts: list[Part] = [
        Figure(draw, clean(alt, 1100), f"{len(levels)} bins of equal numbers of rows, with Wilson's intervals.", keys)
    ]
    answer = f"In {missed} of {count(len(levels), 'bin')} the model is not as often right as it is sure."
    if c.temperature is not None:
        parts += _temperature(c)
    return Block(answer, parts)


def _temperature(c: Calibration) -> list[Part]:
    assert c.temperature is not None
    t = c.temperature
    word = "too sure" if t.low > 1 else "not sure enough" if t.high < 1 else "about as sure as it should be"
    text = (
        f"Dividing the logits by {t.value:.3g} {interval(t)} makes the log loss least: the model is {word}. "
        f"The temperature is fitted on {c.n_fitted:,} rows and judged on {c.n_rest:,} others:"
    )
    columns = [Column("number"), Column("as it is"), Column("with temperature")]
    rows: list[list[Cell]] = [
        [title(a.name), f"{value(a)} {interval(a)}", f"{value(b)} {interval(b)}"] for a, b in zip(c.before, c.after)
    ]
    return [Text(text), Table(columns, rows)]


def _threshold(found: Findings) -> Block | None:
    t: Threshold | None = found.threshold
    if t is None:
        return None
    columns = [Column("number"), Column(f"from {t.value:.3g} on"), Column("from 0.5 on")]
    rows: list[list[Cell]] = [
        [title(a.name), f"{value(a)} {interval(a)}", f"{value(b)} {interval(b)}"] for a, b in zip(t.chosen, t.usual)
    ]
    caption = f"Chosen on {t.n_chosen:,} rows, judged on {t.n_rest:,} others."
    return Block(
        f"Say {clean(t.of, 40)} from {t.value:.3g} on, by {clean(t.rule, 60)}.", [Table(columns, rows, caption)]
    )


# -- parts and rows --------------------------------------------------------------------------------------------------


def _slices(found: Findings) -> Block | None:
    if not found.slices:
        return None
    write = percent if found.task != "regression" else "{:.4g}".format
    columns = [
        Column("slice"),
        Column("rows", True),
        Column(found.score),
        Column("rest", True),
        Column("difference"),
        Column("p", True),
    ]
    is_error = found.task == "regression"
    rows: list[list[Cell]] = [_slice(s, write, is_error) for s in found.slices[:MOST_ROWS]]
    n = sum(s.is_different for s in found.slices)
    differ = "differs" if n == 1 else "differ"
    answer = f"{n or 'None'} of {count(len(found.slices), 'slice')} {differ} from the rest."
    asked = count(len(found.slices), "question")
    caption = f"p is corrected for {asked} (Holm): of tables without a difference 5 % show one. Dots: red is worse, green better."
    return Block(answer, [Table(columns, rows, caption)])


def _slice(s: Slice, write: object, is_error: bool) -> list[Cell]:
    """is_error: of two scores the greater is the worse."""
    shown = write if callable(write) else str
    tone = "" if not s.is_different else "bad" if (s.difference > 0) == is_error else "good"
    name = Name(clean(s.name, 50), tone, s.note)
    return [
        name,
        f"{s.n:,}",
        f"{shown(s.score)} [{shown(s.low)}, {shown(s.high)}]",
        str(shown(s.rest)),
        f"{shown(s.difference)} [{shown(s.difference_low)}, {shown(s.difference_high)}]",
        p_value(s.p_holm),
    ]


def _costly(found: Findings) -> Block | None:
    if not found.costly:
        return None
    most = max((s.loss for s in found.costly if s.loss == s.loss), default=1.0) or 1.0
    knows_how_sure = found.costly[0].confidence is not None
    columns = [Column("row"), Column("true"), Column("said"), *([Column("sure", True)] if knows_how_sure else [])]
    rows: list[list[Cell]] = [
        [
            str(s.row),
            clean(s.true, 40),
            clean(s.predicted, 40),
            *([percent(s.confidence)] if s.confidence is not None else []),
            Bar(f"{s.loss:.4g}", max(0.0, s.loss / most)),
        ]
        for s in found.costly
    ]
    table = Table([*columns, Column(found.loss)], rows, "Rows are counted from 0.")
    return Block("Look at these first: mistakes in the data gather here.", [table])


def _suspects(found: Findings) -> Block | None:
    if not found.suspects:
        return None
    columns = [
        Column("row"),
        Column("label"),
        Column("likely"),
        Column("p of the label", True),
        Column("p of the other", True),
    ]
    rows: list[Sequence[Cell]] = [
        [str(s.row), clean(s.given, 40), clean(s.likely, 40), percent(s.p_given), percent(s.p_likely)]
        for s in found.suspects
    ]
    caption = (
        "A label is suspect where another class is as likely as it usually is for rows that bear it (confident "
        "learning, Northcutt, Jiang and Chuang 2021). It is a reason to look, not a proof; of rows that were trained "
        "on it says nothing."
    )
    return Block(f"{count(found.n_suspects, 'label')} of {found.n:,} to look at.", [Table(columns, rows, caption)])


def _repeat(found: Findings) -> Block:
    facts = [Fact(name, clean(v, 40)) for name, v in found.versions.items()]
    facts += [Fact("rows", f"{found.n:,}"), Fact("loss", clean(found.loss, 40))]
    parts: list[Part] = [Facts(facts)]
    if found.command:
        parts.insert(0, Code(found.command, "Command line"))
    methods = ", ".join(f"{title(n.name)} by {n.method}" for n in found.numbers if n.method)
    return Block(f"Intervals: {methods}.", parts)

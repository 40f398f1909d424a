"""Explain tells what an item declares, draws what it computes, and finds it by every name that people use."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from xml.etree import ElementTree

import pytest
import torch

from steepest import losses, optim, transforms
from steepest.core.declare import loss
from steepest.core.domains import Interval, Positive
from steepest.core.errors import DomainError, UnknownName, UsageError
from steepest.core.item import Hyper
from steepest.core.targets import same_as_input
from steepest.explain import CATALOGUES, explain, find
from steepest.explain.curves import CURVATURE, PUSH, Walk, all_panels
from steepest.explain.drawing import draw, legend
from steepest.explain.record import Panel, Series
from steepest.explain.transform_curves import SPIKE, of_transform
from steepest.explain.vary import around, variants

ITEMS = [item for items in CATALOGUES.values() for item in items]


@loss(
    formula="a*(x - y)**2",
    target=same_as_input,
    task="regression",
    use="Never: it holds <script>alert(1)</script> and | and $x$.",
    source="A & B, 1999",
)
def hostile(input: torch.Tensor, target: torch.Tensor, *, a: Positive = 1.0) -> torch.Tensor:
    """<b>Hostile</b>: [red]markup[/red] of every kind."""
    return a * (input - target) ** 2


twin_of_hostile = loss(target=same_as_input, task="regression", use="A namesake.", source="")(hostile.fn)


@lru_cache(maxsize=None)
def told(item):
    """An explanation computes its curve once, and a rule walks for a while."""
    return explain(item)


def words(text: str) -> str:
    return " ".join(text.replace("·", " ").split())


@pytest.mark.parametrize("item", ITEMS, ids=lambda i: f"{i.kind}-{i.name}")
def test_every_item_tells_its_purpose_use_parameters_claims_and_source(item):
    shown = told(item)
    text = words(shown.render(width=300))
    said = (item.name, item.purpose, item.use, item.source, *(c.says for c in getattr(item, "claims", ())))
    for sentence in (
        *said,
        getattr(item, "avoid", ""),
        *(w for pair in getattr(item, "differs", {}).items() for w in pair),
    ):
        assert words(sentence) in text
    for hyper in item.hyper.values():
        assert hyper.name in text and (hyper.domain is None or hyper.domain.explain() in text)
    assert item.name in shown.markdown and item.name in shown._repr_html_()


@pytest.mark.parametrize("item", ITEMS, ids=lambda i: f"{i.kind}-{i.name}")
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_of_prose_or_plot_is_wider_than_the_terminal(item, width):
    text = told(item).render(width=width)
    prose = text.split("Formula\n")[0].split("In code\n")[0]
    drawn = [line for line in text.splitlines() if "┤" in line or "└" in line]
    assert all(len(line) <= width for line in [*prose.splitlines(), *drawn])


def test_every_loss_is_drawn():
    assert [item.name for item in losses if not told(item).facts.panels] == []


@pytest.mark.parametrize("item", list(losses), ids=lambda i: i.name)
def test_the_drawn_gradient_of_a_loss_is_the_slope_of_its_drawn_value(item):
    for value, gradient in [told(item).facts.panels, *(both for _, both in all_panels(item))]:
        assert [s.label for s in value.series] == [s.label for s in gradient.series]
        for v, g in zip(value.series, gradient.series):
            assert_is_slope(value.x, v.y, g.y, holds=bool(item.holds))


def assert_is_slope(x, y, g, holds):
    """Of a loss that holds a part of itself still, the gradient is another one by intent: then it is finite."""
    assert all(map(math.isfinite, [*y, *g]))
    if holds:
        return
    middle = range(1, len(x) - 1)
    slope = {i: (y[i + 1] - y[i - 1]) / (x[i + 1] - x[i - 1]) for i in middle}
    # At a kink (l1, huber) the central difference lies between the two slopes: the neighbours' gradients bound it.
    scale = max(map(abs, g))
    assert all(min(g[i - 1 : i + 2]) - 0.02 * scale <= slope[i] <= max(g[i - 1 : i + 2]) + 0.02 * scale for i in middle)


def test_every_number_that_changes_a_loss_is_varied_and_both_labels_are_shown():
    assert [name for name, _ in all_panels(losses.huber)] == ["delta"]
    asl = [(name, panels[0].x_title) for name, panels in all_panels(losses.asl)]
    assert asl == [("gamma_pos", "logit, label 1"), ("gamma_neg", "logit, label 0"), ("margin", "logit, label 0")]
    assert explain("asl(gamma_neg=1)").facts.panels[0].x_title == "logit, label 0"
    assert [len(p.series) for _, panels in all_panels(losses.mse) for p in panels] == [1, 1]


def test_a_walk_takes_the_same_steps_as_torch():
    param = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    theirs = torch.optim.AdamW([param], lr=0.01, betas=(0.8, 0.99), weight_decay=0.0)
    at = torch.ones(2, dtype=torch.float64)
    walk = Walk(optim.adamw, {"lr": 0.01, "beta1": 0.8, "beta2": 0.99}, at)
    curvature = torch.tensor(CURVATURE, dtype=torch.float64)
    for _ in range(25):
        theirs.zero_grad()
        ((curvature * param**2).sum() / 2).backward()
        theirs.step()
        at = at - walk.step(curvature * at, at)
    torch.testing.assert_close(at, param.detach(), rtol=1e-9, atol=0)


def test_a_walk_that_runs_away_ends_there():
    lines = {s.label: s.y for s in explain("sgd").facts.panels[0].series}
    away = [y for y in lines.values() if math.isnan(y[-1])]
    assert away and all(math.isfinite(y[0]) and max(v for v in y if v == v) <= 10 * y[0] for y in lines.values())


def test_momentum_answers_a_push_with_a_running_sum_that_fades_after_it():
    answer = next(s for s in explain("sgd(momentum=0.5)").facts.panels[1].series if s.label == "momentum = 0.5").y
    expected = [2 * (1 - 0.5 ** (t + 1)) for t in range(PUSH)]
    expected += [expected[-1] * 0.5 ** (t + 1) for t in range(2 * PUSH)]
    assert answer == pytest.approx(expected, rel=1e-9)


def test_a_rule_is_shown_with_its_code_because_a_formula_cannot_say_all():
    assert "def adamw(" in explain("adamw").text and "def huber(" not in explain("huber").text
    assert "def huber(" in explain("huber").render(code=True)


@pytest.mark.parametrize("item", [i for i in optim if not i.solo_only], ids=lambda i: i.name)
def test_the_memory_that_is_told_is_what_an_optimizer_keeps_of_a_matrix(item):
    param = torch.nn.Parameter(torch.ones(512, 512))
    optimizer = getattr(optim, item.class_name)([param])
    param.grad = torch.ones_like(param)
    optimizer.step()
    kept = sum(v.numel() for v in optimizer.state[param].values() if isinstance(v, torch.Tensor) and v.numel() > 1)
    text = (
        dict(told(item).facts.details)["memory"].partition("512 x 512 matrix ")[2]
        or dict(told(item).facts.details)["memory"]
    )
    assert text.startswith("nothing" if kept == 0 else f"{kept / 512**2:.3g} number")


# -- finding ---------------------------------------


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("huber", "huber"),
        ("Huber", "huber"),
        ("HUBER", "huber"),
        ("HuberLoss", "huber"),
        ("torch.nn.HuberLoss", "huber"),
        ("losses.huber", "huber"),
        (" huber ", "huber"),
        ("huber(delta=3)", "huber"),
        ("AdamW", "adamw"),
        ("optim.adamw", "adamw"),
        ("torch.optim.SGD", "sgd"),
        ("mlp", "mlp"),
        ("accuracy", "accuracy"),
        ("torch.nn.CTCLoss", "ctc"),
        ("SmoothL1Loss", "smooth_l1"),
        ("torch.nn.SoftMarginLoss", "bce_with_logits"),
        ("keras.losses.CategoricalHinge", "categorical_hinge"),
    ],
)
def test_an_item_is_found_by_each_of_its_names(asked, name):
    assert explain(asked).item.name == name


LAYERS = ("AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss")  # with weights of their own


@pytest.mark.parametrize("name", [n for n in dir(torch.nn) if n.endswith("Loss") and n not in LAYERS])
def test_every_loss_of_torch_leads_to_ours(name):
    for asked in (name, f"torch.nn.{name}"):
        assert find(asked).item.kind == "loss"


def test_an_item_explains_itself_and_one_of_the_users_own_too():
    assert explain(losses.huber).item is losses.huber and "losses.Huber(delta=1.0)" in explain(losses.huber).text
    assert "a number > 0" in explain(hostile).text


@pytest.mark.parametrize(
    ("asked", "near"),
    [("hubber", "'huber'"), ("torch.nn.CrosEntropyLos", "'cross_entropy'"), ("acuracy", "'accuracy'")],
)
def test_an_unknown_name_meets_the_nearest_of_all_kinds(asked, near):
    with pytest.raises(UnknownName, match="Did you mean " + near) as caught:
        explain(asked)
    assert repr(asked) in caught.value.seen


def test_a_name_far_from_all_is_sent_to_the_list():
    with pytest.raises(UnknownName, match="steepest list"):
        explain("qqqqqqqq")


def test_options_are_checked_like_anywhere_else():
    with pytest.raises(UsageError, match="Did you mean 'delta'"):
        explain("huber(dleta=1)")
    with pytest.raises(DomainError, match="a number > 0"):
        explain("huber(delta=-1)")


def test_a_name_that_two_catalogues_share_tells_of_the_other(monkeypatch):
    monkeypatch.setitem(CATALOGUES, "models", [hostile])
    monkeypatch.setitem(CATALOGUES, "metrics", [twin_of_hostile])
    assert find("hostile").item is twin_of_hostile and find("hostile").namesakes == ["models.hostile"]
    assert find("models.hostile").item is hostile
    assert "steepest explain models.hostile" in explain("hostile").text


# -- which values are shown ---------------------------------------


@pytest.mark.parametrize("item", ITEMS, ids=lambda i: f"{i.kind}-{i.name}")
def test_every_shown_value_is_allowed_and_the_default_is_among_them(item):
    shown = variants(item, {})
    for _, options in shown:
        item.check_hyper(options)
    assert len({label for label, _ in shown}) == len(shown)


@pytest.mark.parametrize("default", [0.0, 0.5, 0.999])
def test_values_around_a_default_stay_inside_a_closed_interval(default):
    domain = Interval(0.0, 1.0, open_high=True)
    values = around(Hyper("beta", default, domain))
    assert default in values and all(domain.holds(v) for v in values)


def test_a_value_that_was_asked_for_is_drawn_beside_the_default():
    assert [s.label for s in explain("huber(delta=7)").facts.panels[0].series] == ["delta = 1 (default)", "delta = 7"]


# -- drawing ---------------------------------------


def dots(lines: list[str], height: int) -> set[tuple[int, int]]:
    """Coordinates of all dots, decoded from the braille alphabet's own numbering (dot 1 to 8 are bits 0 to 7)."""
    place = {0: (0, 0), 1: (0, 1), 2: (0, 2), 3: (1, 0), 4: (1, 1), 5: (1, 2), 6: (0, 3), 7: (1, 3)}
    found = set()
    for row, line in enumerate(lines[1 : 1 + height]):
        for column, letter in enumerate(line.split("┤")[1]):
            code = ord(letter) - 0x2800
            if 0 < code < 256:
                found |= {(2 * column + x, 4 * row + y) for bit, (x, y) in place.items() if code >> bit & 1}
    return found


def test_a_rising_line_is_drawn_from_the_lower_left_to_the_upper_right():
    panel = Panel("rise", "x", [0.0, 1.0, 2.0], [Series("line", [0.0, 5.0, 10.0])])
    lines = draw(panel, width=40, height=10)
    found = dots(lines, 10)
    last = max(x for x, _ in found)
    assert (0, 39) in found and (last, 0) in found
    assert all(abs(y - (39 - 39 * x / last)) <= 1 for x, y in found)
    assert (
        lines[1].startswith("10 ┤")
        and lines[10].startswith(" 0 ┤")
        and lines[-1].strip().startswith("0")
        and lines[-1].endswith("2")
    )


def test_holes_and_infinities_leave_a_gap_and_nothing_finite_draws_nothing():
    holed = Panel(
        "hole", "x", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [Series("line", [1.0, 1.0, math.nan, math.inf, 2.0, 2.0])]
    )
    found = dots(draw(holed, width=40, height=4), 4)
    last = max(x for x, _ in found)
    assert {round(5 * x / last) for x, _ in found} >= {0, 5} and not any(1.1 < 5 * x / last < 3.9 for x, _ in found)
    assert draw(Panel("void", "x", [0.0, 1.0], [Series("line", [math.nan, math.inf])])) == []


def test_a_constant_line_is_drawn_in_the_middle():
    found = dots(draw(Panel("flat", "x", [0.0, 1.0], [Series("line", [3.0, 3.0])]), width=30, height=5), 5)
    assert len({y for _, y in found}) == 1


def test_lines_differ_without_colour_and_colour_changes_no_other_letter():
    panel = Panel("two", "x", [0.0, 1.0], [Series("a", [0.0, 1.0]), Series("b", [1.0, 0.0])])
    plain, coloured = draw(panel) + legend(panel), draw(panel, colour=True) + legend(panel, colour=True)
    assert legend(panel)[0].split()[0] != legend(panel)[1].split()[0]
    import re

    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain and plain != coloured


# -- files and notebooks ---------------------------------------


def test_a_plot_is_written_in_the_format_that_its_name_says(tmp_path):
    explanation = explain("huber")
    explanation.plot(tmp_path / "curve.svg")
    explanation.plot(tmp_path / "curve.png")
    tree = ElementTree.parse(tmp_path / "curve.svg")
    assert "delta = 1 (default)" in "".join(tree.getroot().itertext())
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curve.png", "curve.svg"]


def test_a_plot_page_needs_no_network(tmp_path):
    explain("mse").plot(tmp_path / "curve.html")
    page = (tmp_path / "curve.html").read_text(encoding="utf-8")
    assert "<script src" not in page and "<link" not in page


def test_a_plot_of_something_without_a_curve_and_an_unknown_format_are_refused(tmp_path):
    with pytest.raises(UsageError, match="without a curve"):
        explain("accuracy").plot(tmp_path / "x.svg")
    with pytest.raises(UsageError, match=r"x\.svg"):
        explain("mse").plot(tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


def test_text_of_others_is_escaped_in_notebooks():
    page, text = explain(hostile)._repr_html_(), explain(hostile).markdown
    assert "<script>" not in page.split("<svg")[0] and "<b>Hostile</b>" not in page
    assert "\\<script>" in text and "\\|" in text and "\\$x\\$" in text


# -- backward ---------------------------------------


def test_backward_computes_gradients_and_adds_them_up_and_step_moves_the_parameters():
    moments = explain("backward").moments
    before, once, twice, cleared, again, stepped = moments
    assert all(g is None for m in (before, cleared) for g in m.gradients.values())
    assert all(twice.gradients[n] == pytest.approx(2 * g) and g > 0 for n, g in once.gradients.items())
    assert again.gradients == once.gradients
    assert all(way == 0 for m in moments[:-1] for way in m.moved.values())
    assert (
        stepped.moved == pytest.approx({n: 0.1 * g for n, g in again.gradients.items()}) and stepped.loss < again.loss
    )
    assert {m.loss for m in moments[:-1]} == {before.loss}


def test_the_lesson_of_backward_fits_a_terminal_and_says_the_same_in_markdown():
    shown = explain("loss.backward")
    assert all(len(line) <= 80 for line in shown.text.splitlines()) and "changes no" in shown.text
    assert all(f"{m.loss:.4f}" in shown.markdown for m in shown.moments) and str(shown) == shown.text


def test_the_shift_of_all_logits_is_among_the_claims_of_cross_entropy():
    assert any("number" in claim and "logit" in claim for claim in explain("cross_entropy").facts.claims)


@pytest.mark.parametrize("item", list(transforms), ids=lambda item: item.name)
def test_a_transform_is_drawn_beside_the_rule_without_it(item):
    (panel,) = of_transform(item, {})
    alone, with_it = (torch.tensor(line.y) for line in panel.series)
    assert alone.isfinite().all() and with_it.isfinite().all() and alone[0] == with_it[0]
    assert not torch.equal(alone, with_it)
    if item.name.startswith("clip"):  # the step after the gradient that is 20 times too large
        assert with_it[SPIKE] - with_it[SPIKE - 1] < alone[SPIKE] - alone[SPIKE - 1]


@pytest.mark.parametrize("rule", list(optim), ids=lambda rule: rule.name)
def test_the_page_of_a_rule_says_what_was_measured_and_where_or_that_nothing_was(rule):
    told = dict(explain(rule).facts.details)["evidence"]
    assert re.search(r"arXiv:\d{4}\.\d{5}|doi:10\.", told) if rule.evidence else told.startswith("none")

"""The pages of the catalogue: one for each item, whole, without scripts, and every link leads somewhere."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from test_explain import hostile

from steepest import losses
from steepest.core.formula import Formula
from steepest.explain import CATALOGUES, pages
from steepest.explain.pages import Entry, item_page
from steepest.explain.pages.picture import _ticks, picture, thumbnail
from steepest.explain.pages.words import linked, sourced
from steepest.explain.record import Panel, Series

VOID = {"meta", "input", "br", "link"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Losses and schedules only: rules walk down their valleys for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "CATALOGUES", {name: CATALOGUES[name] for name in ("losses", "schedules", "metrics")})
        root = tmp_path_factory.mktemp("pages")
        written = list(pages.write(root))
    assert written[-1] == root / "index.html" and all(path.is_file() for path in written)
    return root


class Outline(HTMLParser):
    """Open tags, links, ids and text of a page; a tag that closes another one is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.links, self.ids, self.words = [], [], set(), []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found["id"]} if "id" in found else set()
        self.links += [found["href"]] if "href" in found else []
        assert not any(name.startswith("on") for name in found)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline


def test_every_item_has_a_page_and_every_link_leads_somewhere(folder):
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    assert {f"losses/{item.name}.html" for item in losses} <= found
    for name in found:
        for link in read((folder / name).read_text("utf-8")).links:
            if link.startswith("#"):
                assert link[1:] in read((folder / name).read_text("utf-8")).ids
            elif not link.startswith(("https://arxiv.org/abs/", "https://doi.org/10.")):
                assert (folder / name).parent.joinpath(link).resolve().is_file(), (name, link)


def test_a_page_asks_for_nothing_and_runs_nothing(folder):
    for path in folder.rglob("*.html"):
        page = path.read_text("utf-8")
        assert "default-src 'none'" in html.unescape(page)
        assert re.findall(r"<(?:script|img|link|iframe|object)\b|\bsrc=|url\(|@import", page) == []


def test_a_page_says_all_that_the_loss_declares(folder):
    for item in losses:
        said = " ".join(" ".join(read((folder / f"losses/{item.name}.html").read_text("utf-8")).words).split())
        plain = re.sub(r"\s+", "", said)
        for told in (item.use, item.avoid, *item.differs, *item.differs.values(), *(c.says for c in item.claims)):
            assert re.sub(r"\s+", "", told) in plain
        assert all(name in said for name in item.hyper)


def test_the_index_names_every_item_with_its_purpose(folder):
    said = read((folder / "index.html").read_text("utf-8")).words
    assert all(item.name in said and item.purpose in said for item in losses)


def test_hostile_texts_stay_texts():
    page = item_page(Entry(hostile, "losses", "regression"))
    assert "<script>" not in page and "<b>Hostile" not in page
    assert "Never: it holds <script>alert(1)</script> and | and $x$." in "".join(read(page).words)


@pytest.mark.parametrize("item", [i for i in losses if Formula.of(i)], ids=lambda i: i.name)
def test_a_formula_is_wellformed_mathml(item):
    text = Formula.of(item).mathml()
    assert text.startswith('<math display="block">')
    ElementTree.fromstring(
        re.sub(r"&(?!amp|lt|gt|#)\w+;", "", text).replace("<mo>></mo>", "<mo/>").replace("<mo><</mo>", "<mo/>")
    )
    assert "piecewise" not in text and "kronecker" not in text.lower()


# -- pictures ----------------------------------------------------------------------------------------------------------

LINE = Panel("value", "x < 1", [0.0, 1.0, 2.0, 3.0], [Series("a & b", [0.0, float("nan"), 4.0, 2.0])])


def test_a_line_breaks_where_there_is_no_number():
    (path,) = [p for p in ElementTree.fromstring(picture(LINE)).iter("path") if p.get("class") == "line l0"]
    assert re.sub(r"[\d. ]", "", path.get("d")) == "MML"
    assert ElementTree.fromstring(thumbnail(LINE)).get("aria-hidden") == "true"


def test_points_lie_where_their_numbers_are():
    panel = Panel("value", "x", [0.0, 10.0], [Series("", [1.0, 3.0]), Series("", [3.0, 1.0])])
    paths = {p.get("class"): p.get("d") for p in ElementTree.fromstring(picture(panel)).iter("path")}
    up, down = ([float(v) for v in re.findall(r"[\d.]+", paths[f"line l{i}"])] for i in (0, 1))
    assert up[0] == down[0] and up[2] == down[2] and up[0] < up[2]
    assert up[1] == down[3] > up[3] == down[1]  # larger is higher, and the paper counts from above


@pytest.mark.parametrize(("low", "high"), [(-3, 3), (0, 1e-5), (-1e6, 7e6), (0.98, 1.02), (2, 180)])
def test_ticks_are_few_and_round(low, high):
    ticks = _ticks(low, high)
    assert 3 <= len(ticks) <= 11 and low <= ticks[0] + 1e-9 * abs(high) and ticks[-1] <= high * (1 + 1e-9)
    assert all(float(f"{t:.3g}") == pytest.approx(t, abs=1e-12) for t in ticks)


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_name_becomes_a_link_only_where_the_loss_is_meant():
    names = {"square", "mse", "l1", "cross_entropy"}
    assert linked("then mse or square.", names).count("<a ") == 2
    assert linked("the square of its error; cross_entropy is <b>", names) == (
        'the square of its error; <a href="cross_entropy.html">cross_entropy</a> is &lt;b&gt;'
    )


def test_sources_lead_to_the_paper():
    assert 'href="https://arxiv.org/abs/1708.02002"' in sourced("Lin et al. 2017, arXiv:1708.02002; more")
    assert sourced("doi:10.2307/1913643") == '<a href="https://doi.org/10.2307/1913643">doi:10.2307/1913643</a>'

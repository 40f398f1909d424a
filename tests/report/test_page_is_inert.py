"""Whatever people call their arms, data and metrics: the page runs nothing and asks nobody."""

from __future__ import annotations

import base64
import hashlib
import re

import fake_studies

from steepest import report

TAGS = set(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "header",
        "nav",
        "main",
        "section",
        "footer",
        "div",
        "p",
        "h1",
        "h2",
        "h3",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "a",
        "b",
        "i",
        "span",
        "strong",
        "bdi",
        "fieldset",
        "legend",
        "input",
        "label",
        "figure",
        "figcaption",
        "table",
        "thead",
        "tbody",
        "tr",
        "br",
        "th",
        "td",
        "pre",
        "code",
        "script",
        "svg",
        "g",
        "path",
        "rect",
        "line",
        "circle",
        "text",
        "tspan",
        "defs",
        "clippath",
    ]
)


def test_only_the_elements_of_the_template_exist(every_page):
    assert {tag for tag, _ in every_page.elements} <= TAGS


def test_the_only_script_is_data(every_page):
    assert [attributes for tag, attributes in every_page.elements if tag == "script"] == [
        {"type": "application/json", "id": "study"}
    ]


def test_no_element_carries_a_handler_or_a_style(every_page):
    for tag, attributes in every_page.elements:
        assert not [
            name
            for name in attributes
            if name.startswith("on") or name in ("style", "srcdoc", "formaction", "background")
        ], tag


def test_nothing_is_fetched(every_page):
    for tag, attributes in every_page.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            address = attributes.get(name, "#")
            assert address.startswith("#") or (tag == "link" and address.startswith("data:image/svg+xml;base64,")), (
                tag,
                name,
                address,
            )
        assert "clip-path" not in attributes or re.fullmatch(r"url\(#c\d+-\w+\)", attributes["clip-path"])


def test_the_style_sheet_names_no_address(every_page):
    style = every_page.text_of("style")
    assert "url(" not in style and "@import" not in style and "//" not in style


def test_every_link_has_its_target(every_page):
    ids = [attributes["id"] for _, attributes in every_page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for tag, a in every_page.elements if tag == "a"} <= set(ids)
    clips = {a["clip-path"][5:-1] for _, a in every_page.elements if "clip-path" in a}
    assert clips <= set(ids)


def test_the_policy_allows_this_style_sheet_and_nothing_else(every_page):
    policy = next(
        a["content"]
        for tag, a in every_page.elements
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(every_page.text_of("style").encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_evil_names_are_shown_as_text(page):
    text = "".join(page("hostile").sections.values())
    for name in (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        "]]> <!-- --> </style></script>",
        "{{ 7*7 }} {% raw %} ${x}",
        "&lt;b&gt; &amp;",
        "javascript:alert(1)",
        "</title><script src=//example.com>",
        "🦊 + 🚀👩‍🚀",
    ):
        assert name in text
    assert "49" not in page("hostile").text_of("h1")


def test_direction_and_control_characters_are_taken_out(every_page):
    shown = "".join(text for where, text in every_page.texts if where != "script")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", shown)


def test_a_name_of_ten_thousand_letters_is_shortened(every_page):
    shown = [text for where, text in every_page.texts if where not in ("script", "style", "code")]
    assert max(map(len, shown)) <= 2000


def test_names_that_look_alike_when_shortened_stay_apart(page):
    headings = [text for where, text in page("hostile").texts if where == "bdi"]
    assert any(t.endswith("a1") for t in headings) and any(t.endswith("a2") for t in headings)


def test_the_page_can_be_written_although_a_name_is_half_a_character(tmp_path):
    study = fake_studies.one_arm()
    path = report.write(study, tmp_path / "report.html")
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]

"""A chart as a small piece of SVG for the page: colours become classes, descriptions become tooltips, the rest is thrown away."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from .names import clean
from .palette import NAME_OF

if TYPE_CHECKING:
    import altair

TIP = "\u2063"  # an invisible separator: the descriptions that begin with it are ours, the others Vega's own
KEPT = {
    "d",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "width",
    "height",
    "transform",
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-opacity",
    "fill-opacity",
    "opacity",
    "text-anchor",
    "font-size",
    "font-weight",
    "clip-path",
    "viewBox",
    "id",
    "dy",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "class",
}
DEFAULTS = {
    ("opacity", "1"),
    ("stroke-width", "1"),
    ("transform", "translate(0,0)"),
    ("stroke-dasharray", ""),
    ("font-weight", "normal"),
    ("fill", "transparent"),
}
CIRCLE = re.compile(r"M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0Z?")
COUNTED = re.compile(r"(?<=[\"#])clip\d+(?=[\")])")
NUMBER = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")


def svg(chart: altair.TopLevelMixin, alt: str, prefix: str, tips: bool = True) -> str:
    """One <svg> element without name space, script, style or address; prefix keeps its ids apart from those of other charts."""
    spec = chart.to_dict(validate=False)
    root = ElementTree.fromstring(_counted_anew(_converter().vegalite_to_svg(spec)))
    width, height = root.get("width"), root.get("height")
    root = _slim(root, prefix, tips)
    root.attrib = {"class": "chart", "viewBox": root.attrib["viewBox"], "role": "img", "aria-label": clean(alt, 1200)}
    root.attrib.update({"width": width or "", "height": height or ""})
    return ElementTree.tostring(root, encoding="unicode")


@cache
def _converter() -> Any:
    """Vega's converter with the font of tools/measuring_font.py: letters have the same widths on every machine."""
    import vl_convert

    vl_convert.register_font_directory(str(files(__package__) / "fonts"))
    return vl_convert


def _counted_anew(text: str) -> str:
    """Vega numbers its clips on and on through a process; the same study must give the same page."""
    names: dict[str, str] = {}
    return COUNTED.sub(lambda match: names.setdefault(match[0], f"clip{len(names)}"), text)


def _slim(node: ElementTree.Element, prefix: str, tips: bool) -> ElementTree.Element:
    tip = node.get("aria-label", "")
    children = [_slim(child, prefix, tips) for child in node if not _is_dead(child)]
    node.tag = node.tag.rpartition("}")[2]
    node.attrib = dict(_attributes(node, prefix))
    node[:] = [grandchild for child in children for grandchild in _without_empty_group(child)]
    node.tail = None
    _as_circle(node)
    if tips and tip.startswith(TIP):
        title = ElementTree.Element("title")
        title.text = tip[len(TIP) :]
        node.insert(0, title)
    return node


def _as_circle(node: ElementTree.Element) -> None:
    """A path of two half circles is a third of the page's bytes."""
    match = CIRCLE.fullmatch(node.get("d", ""))
    if node.tag == "path" and match:
        node.tag = "circle"
        del node.attrib["d"]
        node.set("r", match[1])


def _is_dead(node: ElementTree.Element) -> bool:
    """Vega draws an invisible frame behind and before every group, and sometimes a white sheet under all."""
    frame = (
        node.get("class") in ("background", "foreground")
        and node.get("fill") in (None, "none")
        and node.get("stroke") in (None, "none")
    )
    return frame or node.get("display") == "none"


def _attributes(node: ElementTree.Element, prefix: str) -> list[tuple[str, str]]:
    kept, classes = [], []
    for key, value in node.attrib.items():
        if key in ("fill", "stroke") and value.lower() in NAME_OF:
            classes.append(f"{key[0]}-{NAME_OF[value.lower()]}")
        elif key == "id":
            kept.append((key, prefix + value))
        elif key == "clip-path":
            kept.append((key, value.replace("#", "#" + prefix)))
        elif key in KEPT and key != "class" and (key, value) not in DEFAULTS:
            kept.append((key, NUMBER.sub(_rounded, value) if key in ("d", "transform") else value))
    if not node.get("stroke"):
        kept = [(key, value) for key, value in kept if key != "stroke-width"]
    return kept + ([("class", " ".join(classes))] if classes else [])


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match[0]):.1f}".removesuffix(".0")


def _without_empty_group(node: ElementTree.Element) -> list[ElementTree.Element]:
    """A group that says nothing gives way to its children."""
    if node.tag == "g" and not node.attrib:
        return [child for child in node if child.tag != "title"]
    return [node]

"""Writes the font by whose widths the charts of a page are laid out: src/steepest/report/fonts/measure.ttf.

The converter of charts opens and maps a font's file several times for each letter that it measures: of a small file, that takes
two thirds of the time. And the same study gives the same page on every machine, whatever fonts it has. No letter is ever drawn by it:
all are boxes. The widths are those of Arial, and of the fonts that agree with it, which pages are read in or near to.

    pip install fonttools
    python tools/measuring_font.py /usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

OUT = Path(__file__).parents[1] / "src" / "steepest" / "report" / "fonts" / "measure.ttf"
FAMILY = "Steepest Measure"
SIGNS = "–—‘’“”…−≈≤≥←→"
LETTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x391, 0x3CA), *map(ord, SIGNS)]
"""ASCII, Latin with its accents, Greek, and the signs of numbers and intervals; others are measured in the machine's own fonts."""


def box(width: int, height: int) -> object:
    pen = TTGlyphPen(None)
    if width:
        pen.moveTo((0, 0))
        for corner in ((0, height), (width, height), (width, 0)):
            pen.lineTo(corner)
        pen.closePath()
    return pen.glyph()


def main() -> None:
    like = TTFont(sys.argv[1])
    glyph_of, metrics, line = like.getBestCmap(), like["hmtx"], like["hhea"]
    width_of = {letter: metrics[glyph_of[letter]][0] for letter in LETTERS if letter in glyph_of}
    widths = {".notdef": 0, **{f"w{w}": w for w in sorted(set(width_of.values()))}}
    font = FontBuilder(like["head"].unitsPerEm, isTTF=True)
    font.setupGlyphOrder(list(widths))
    font.setupCharacterMap({letter: f"w{width}" for letter, width in width_of.items()})
    font.setupGlyf({name: box(width, like["OS/2"].sCapHeight) for name, width in widths.items()})
    font.setupHorizontalMetrics({name: (width, 0) for name, width in widths.items()})
    font.setupHorizontalHeader(ascent=line.ascent, descent=line.descent)
    names = {"familyName": FAMILY, "styleName": "Regular", "fullName": FAMILY, "psName": FAMILY.replace(" ", "")}
    font.setupNameTable(names)
    font.setupOS2(usWinAscent=line.ascent, usWinDescent=-line.descent, sTypoAscender=line.ascent)
    font.setupPost(keepGlyphNames=False)
    font.font["head"].created = font.font["head"].modified = 0  # the same bytes every time
    OUT.parent.mkdir(exist_ok=True)
    font.save(OUT)
    print(f"{OUT}: {len(width_of)} letters, {len(widths)} widths, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()

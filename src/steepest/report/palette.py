"""The colours of the page, each in a light and a dark tone. Charts use the light hex; the page turns it into a class."""

from __future__ import annotations

# name: (light, dark). No two light tones are equal: a colour in a chart says its name.
COLOURS = {
    "paper": ("#ffffff", "#14171c"),
    "panel": ("#f7f8fa", "#1b1f26"),
    "ink": ("#1a1f27", "#e7eaef"),
    "soft": ("#545d6b", "#a9b1be"),
    "faint": ("#7b8492", "#7f8897"),
    "rule": ("#e3e6eb", "#2c323c"),
    "winner": ("#1f5fd0", "#7fb0ff"),
    "runner": ("#0f7d72", "#4fcbbb"),
    "baseline": ("#b4540a", "#f2a65a"),
    "other": ("#8a93a2", "#79838f"),
    "good": ("#1b7a46", "#5fd394"),
    "open": ("#8a6100", "#e6bd55"),
    "bad": ("#b3261e", "#ff8f85"),
    "band": ("#c9d3e2", "#3d4a5f"),
}
NAME_OF = {light: name for name, (light, _) in COLOURS.items()}


def colour(name: str) -> str:
    """The hex that charts draw with."""
    return COLOURS[name][0]


def style_sheet() -> str:
    """The variables, light by default; dark where the reader's system or the reader asks for it; and the classes of the charts."""
    light = ";".join(f"--{name}:{tone}" for name, (tone, _) in COLOURS.items())
    dark = ";".join(f"--{name}:{tone}" for name, (_, tone) in COLOURS.items())
    classes = "".join(
        f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}.c-{name}{{--colour:var(--{name})}}"
        for name in COLOURS
    )
    return (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root:not(:has(#light:checked)){{color-scheme:dark;{dark}}}}}\n"
        f"@media screen{{:root:has(#dark:checked){{color-scheme:dark;{dark}}}}}\n{classes}\n"
    )

"""An explanation as Markdown and as HTML, for notebooks and for the documentation."""

from __future__ import annotations

import html

from .record import Facts


def markdown_of(facts: Facts) -> str:
    """Headings, the formula between $$, a table of parameters; no picture."""
    parts = [
        f"## {facts.name}",
        f"*{facts.kind}.* {_escaped(facts.purpose)}",
        f"**Use it.** {_escaped(facts.use)}" if facts.use else "",
        f"**Do not use it.** {_escaped(facts.avoid)}" if facts.avoid else "",
    ]
    parts.append(f"$$\n{facts.latex}\n$$" if facts.latex else f"```python\n{facts.code}\n```")
    if facts.parameters:
        rows = [
            f"| `{p.name}` | {_cell(p.default)} | {_cell(p.allowed)} | {_cell(p.searched)} |" for p in facts.parameters
        ]
        parts.append("\n".join(["| parameter | default | allowed | searched |", "|---|---|---|---|", *rows]))
    parts.append("\n".join(f"- {label}: {_escaped(text)}" for label, text in facts.details))
    if facts.claims:
        parts.append("Claims, each tried by a test:\n\n" + "\n".join(f"- {_escaped(c)}" for c in facts.claims))
    parts.append(f"The same in `{facts.twin}`." if facts.twin else "")
    parts.append("\n".join(f"- `{name}`: {_escaped(text)}" for name, text in facts.differs))
    parts.append(f"Source: {_escaped(facts.source)}" if facts.source else "")
    parts.append("```\n" + "\n".join(text for _, text in facts.uses) + "\n```" if facts.uses else "")
    return "\n\n".join(p for p in parts if p) + "\n"


def html_of(facts: Facts, picture: str) -> str:
    """The same with the curve; $$ is typeset by the notebook. picture: SVG, or nothing."""
    e = html.escape
    rows = "".join(
        f"<tr><td><code>{e(p.name)}</code></td><td>{e(p.default)}</td><td>{e(p.allowed)}</td><td>{e(p.searched)}</td></tr>"
        for p in facts.parameters
    )
    table = (
        f"<table><tr><th>parameter</th><th>default</th><th>allowed</th><th>searched</th></tr>{rows}</table>"
        if rows
        else ""
    )
    formula = f"<p>$${e(facts.latex)}$$</p>" if facts.latex else f"<pre>{e(facts.code)}</pre>"
    details = "".join(f"<li>{e(label)}: {e(text)}</li>" for label, text in facts.details)
    claims = "".join(f"<li>{e(c)}</li>" for c in facts.claims)
    twins = "".join(f"<li><code>{e(name)}</code>: {e(text)}</li>" for name, text in facts.differs)
    ends = [
        ("Use it", facts.use),
        ("Do not use it", facts.avoid),
        ("The same in", facts.twin),
        ("Source", facts.source),
    ]
    return "".join(
        [
            f"<h3>{e(facts.name)} <small>{e(facts.kind)}</small></h3><p>{e(facts.purpose)}</p>",
            f"{formula}{table}<ul>{details}</ul>",
            f"<p>Claims, each tried by a test:</p><ul>{claims}</ul>" if claims else "",
            f"<p>Elsewhere:</p><ul>{twins}</ul>" if twins else "",
            *(f"<p><b>{label}.</b> {e(text)}</p>" for label, text in ends if text),
            picture,
        ]
    )


def _escaped(text: str) -> str:
    """Text that Markdown must not read as emphasis, table or formula."""
    for sign in ("\\", "*", "_", "`", "|", "<", "$", "["):
        text = text.replace(sign, "\\" + sign)
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

"""Examples in the guides are passages of real files; this brings them up to date.

A guide marks a passage with `<!-- from PATH -->` (a whole file) or `<!-- from PATH: NAME -->` (one function with its decorators) above a
Python block. `python tools/examples.py` rewrites the blocks; a test fails when one is out of date.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ("CONTRIBUTING.md",)
MARKED = re.compile(r"(<!-- from ([^\s:]+)(?:: (\w+))? -->\n```python\n)(.*?)(```)", re.DOTALL)


def passage(path: Path, name: str | None) -> str:
    """A file's text, or that of one function in it."""
    text = path.read_text(encoding="utf-8")
    if name is None:
        return text
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            return "".join(line + "\n" for line in text.splitlines()[first - 1 : node.end_lineno])
    raise LookupError(f"{path} has no function {name}")


def filled(guide: str) -> str:
    """The guide's text with each marked block as the file now has it."""
    return MARKED.sub(lambda m: m[1] + passage(ROOT / m[2], m[3]) + m[5], guide)


if __name__ == "__main__":
    for each in GUIDES:
        file = ROOT / each
        file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8")

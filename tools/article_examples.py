"""Writes examples/articles: each section of docs/articles.md as a program of its own.

    python tools/article_examples.py

The guide is the source; its examples are run by tests/test_docs.py, the programs by tests/test_article_examples.py.
"""

from __future__ import annotations

import ast
import doctest
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDE, FOLDER = ROOT / "docs" / "articles.md", ROOT / "examples" / "articles"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = ("losses", "metrics", "nn")
LONGEST_NAME = 50


def programs() -> dict[str, str]:
    """The text of each file by its name."""
    _, *sections = re.split(r"^## ", GUIDE.read_text("utf-8"), flags=re.MULTILINE)
    found = {}
    for number, section in enumerate(sections, 1):
        title, _, body = section.partition("\n")
        words = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:LONGEST_NAME].rstrip("_")
        if "```pycon" in body:
            found[f"{number:02}_{words}.py"] = program(title, body)
    return found


def program(title: str, body: str) -> str:
    """Prose becomes the docstring, examples print what the guide shows, commands are comments."""
    prose = re.sub(r"\n{3,}", "\n\n", BLOCK.sub("", body)).strip()
    code = "\n".join(_code(text) if kind == "pycon" else _commands(text) for kind, text in BLOCK.findall(body))
    docstring = f'"""{title}\n\n{prose}\n"""'.replace("\\", "\\\\")
    return "\n".join([docstring, "", *_imports(code), "", code]).rstrip() + "\n"


def _imports(code: str) -> list[str]:
    """What the guide's first block imports, as far as it is used."""
    names = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    ours = ", ".join(name for name in OURS if name in names)
    wanted = {
        "import torch": "torch" in names,
        "from torch import tensor": "tensor" in names,
        "": bool(names & {"st", *OURS}) and bool(names & {"torch", "tensor"}),
        "import steepest as st": "st" in names,
        f"from steepest import {ours}": bool(ours),
    }
    return [line for line, is_wanted in wanted.items() if is_wanted]


def _code(text: str) -> str:
    return "".join(_statement(example) for example in doctest.DocTestParser().get_examples(text))


def _statement(example: doctest.Example) -> str:
    if example.exc_msg:
        tried = textwrap.indent(example.source, "    ")
        return f"try:\n{tried}except Exception as error:\n    print(type(error).__name__, error)\n"
    return f"print({example.source.strip()})\n" if example.want and _is_expression(example.source) else example.source


def _is_expression(source: str) -> bool:
    try:
        parsed = ast.parse(source, mode="eval").body
    except SyntaxError:
        return False
    return not (isinstance(parsed, ast.Call) and getattr(parsed.func, "id", "") == "print")


def _commands(text: str) -> str:
    return "# On the command line:\n" + "".join(f"#   {line}\n" for line in text.splitlines())


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = programs()
    for path in set(FOLDER.glob("*.py")) - {FOLDER / name for name in wanted}:
        path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, "utf-8")
    print(f"{len(wanted)} programs in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

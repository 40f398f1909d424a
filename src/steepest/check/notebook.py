"""Notebooks as programs: the code cells one after another, magics silenced, with the cell and line of every line."""

from __future__ import annotations

import json
from dataclasses import dataclass

MAGIC = ("%", "!", "?")


@dataclass(frozen=True)
class Notebook:
    """text: one program. where[i]: (cell from 1, line in it) of line i + 1."""

    text: str
    where: list[tuple[int, int]]

    def told(self, line: int) -> str:
        cell, at = self.where[line - 1] if 0 < line <= len(self.where) else (0, 0)
        return f"cell {cell}, line {at}"


def read_notebook(raw: str) -> Notebook:
    """Raises ValueError when it is no notebook."""
    cells = json.loads(raw)["cells"]
    lines: list[str] = []
    where: list[tuple[int, int]] = []
    for number, cell in enumerate(cells, start=1):
        if cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        whole = text.lstrip().startswith("%%") and not text.lstrip().startswith(("%%time", "%%capture"))
        for at, line in enumerate(text.splitlines(), start=1):
            silent = whole or line.lstrip().startswith(MAGIC) or line.rstrip().endswith("?")
            indent = line[: len(line) - len(line.lstrip())]
            lines.append(f"{indent}pass  # {line.strip()}" if silent else line)
            where.append((number, at))
    return Notebook("\n".join(lines) + "\n", where)

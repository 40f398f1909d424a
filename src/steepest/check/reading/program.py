"""The text and syntax tree of a program, and the plain questions that all readers ask of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from .names import Names, called


class Program:
    """A program that is read and not run: its text, its tree, its names."""

    def __init__(self, text: str, file: str, tree: ast.Module) -> None:
        self.text, self.file, self.tree = text, file, tree
        self.lines = text.splitlines()

    @cached_property
    def names(self) -> Names:
        return Names(self.tree)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def calls(self, *endings: str) -> Iterator[ast.Call]:
        """Calls whose dotted name ends with one of these words."""
        for node in self.nodes:
            if isinstance(node, ast.Call) and called(node) in endings:
                yield node

    def mentions(self, pattern: str) -> bool:
        """The program's code (comments left out) holds the pattern, in any case."""
        code = "\n".join(line.split("#")[0] for line in self.lines)
        return re.search(pattern, code, re.IGNORECASE) is not None

    def line_with(self, word: str) -> int:
        return next((i for i, line in enumerate(self.lines, start=1) if word in line.split("#")[0]), 0)

    def argument(self, line: int, function: str, position: int, name: str) -> str:
        """How an argument of the call on that line is spelled; empty when it is not given there."""
        for node in self.nodes:
            if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno):
                by_name = next((k.value for k in node.keywords if k.arg == name), None)
                if by_name is not None:
                    return ast.unparse(by_name)
                whole = called(node)
                if len(node.args) > position and (
                    whole == function or whole not in ("backward", "step", "print", "item", "format")
                ):
                    if whole == function or function.replace("_", "") in whole.lower() or position >= 2:
                        return ast.unparse(node.args[position])
        return ""

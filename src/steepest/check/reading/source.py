"""The syntax tree of a program with the questions that checks ask of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from . import data_flow, evaluation
from .flow import Flow
from .models import Models
from .names import Names, called, spelled


class Source:
    """A program that is read and not run."""

    def __init__(self, text: str, file: str, tree: ast.Module) -> None:
        self.text, self.file, self.tree = text, file, tree
        self.lines = text.splitlines()

    @cached_property
    def names(self) -> Names:
        return Names(self.tree)

    @cached_property
    def models(self) -> Models:
        return Models(self)

    @cached_property
    def flow(self) -> Flow:
        return Flow(self)

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

    # -- what only the text can tell -------------------------------------------------------------------------------

    def unused_terms(self) -> Iterator[tuple[int, str]]:
        return data_flow.unused_terms(self)

    def shuffled_apart(self) -> Iterator[tuple[int, str, str]]:
        return data_flow.shuffled_apart(self)

    def fitted_before_split(self) -> Iterator[tuple[int, str, int]]:
        return data_flow.fitted_before_split(self)

    def resampled_before_split(self) -> Iterator[tuple[int, str, int]]:
        return data_flow.resampled_before_split(self)

    def windows_split_at_random(self) -> Iterator[tuple[int, str]]:
        return data_flow.windows_split_at_random(self)

    def chosen_by_test(self) -> Iterator[tuple[int, str]]:
        return evaluation.chosen_by_test(self)

    def means_of_means(self) -> Iterator[tuple[int, str, bool]]:
        return evaluation.means_of_means(self)

    def counts_over_batches(self) -> Iterator[tuple[int, str]]:
        return evaluation.counts_over_batches(self)

    def kept_by_reference(self) -> Iterator[tuple[int, str]]:
        return evaluation.kept_by_reference(self)

    def freezing_without_effect(self) -> Iterator[tuple[int, str]]:
        """Assignments to attributes that mean nothing, or to requires_grad of a module."""
        for node in self.nodes:
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Attribute):
                continue
            target = node.targets[0]
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            if value is False and target.attr in (
                "require_grad",
                "requires_gradient",
                "required_grad",
                "require_grads",
                "requires_grads",
            ):
                yield node.lineno, f".{target.attr} is no attribute of a parameter: requires_grad is meant"
            elif value is False and target.attr == "requires_grad" and self._is_part_of_module(target.value):
                yield (
                    node.lineno,
                    f"requires_grad of the module {spelled(target.value)} is set, which no parameter hears of",
                )

    def _is_part_of_module(self, node: ast.expr) -> bool:
        """A module, or an entry of a Sequential, or an attribute of a module that is no weight."""
        if isinstance(node, ast.Subscript):
            return self.names.is_module(node.value)
        if isinstance(node, ast.Attribute) and node.attr in ("weight", "bias", "data"):
            return False
        inner = (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and self.names.is_module(node.value)
        )
        return inner or self.names.is_module(node)

    def functional_dropout_without_training(self) -> Iterator[int]:
        """Lines in forward with F.dropout(x, p) and no training=."""
        for function in self.names.forwards():
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and self.names.dotted(node.func) in DROPOUTS:
                    if len(node.args) < 3 and not any(k.arg in ("training", None) for k in node.keywords):
                        yield node.lineno


DROPOUTS = {
    f"torch.nn.functional.{name}" for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout")
} | {"torch.dropout"}

"""The syntax tree of a program with the questions that checks ask of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property

from . import data_flow, evaluation
from .bindings import Bindings
from .flow import Flow
from .models import Models
from .names import spelled
from .program import Program


class Source(Program):
    """A program with its models and its training loop."""

    @cached_property
    def models(self) -> Models:
        return Models(self, self.bindings)

    @cached_property
    def bindings(self) -> Bindings:
        return Bindings(self)

    @cached_property
    def flow(self) -> Flow:
        return Flow(self)

    # -- what only the text can tell -------------------------------------------------------------------------------

    def unused_terms(self) -> Iterator[tuple[int, str]]:
        return data_flow.unused_terms(self)

    def shuffled_apart(self) -> Iterator[tuple[int, str, str]]:
        return data_flow.shuffled_apart(self)

    def fitted_before_split(self) -> Iterator[tuple[int, str, int]]:
        yield from data_flow.fitted_before_split(self)
        yield from data_flow.fitted_before_cut(self)

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
                    given = next(
                        (k.value for k in node.keywords if k.arg == "training"),
                        node.args[2] if len(node.args) > 2 else None,
                    )
                    always = (
                        isinstance(given, ast.Constant)
                        and given.value is True
                        and not self.mentions(r"monte|\bmc_|bayes|uncertain")
                    )
                    if always or (given is None and not any(k.arg is None for k in node.keywords)):
                        yield node.lineno


DROPOUTS = {
    f"torch.nn.functional.{name}" for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout")
} | {"torch.dropout"}

"""The training loop as the text tells it: what is called in which order in which loops, functions of the program included."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from .names import FunctionNode, called
from .program import Program

SCHEDULES = re.compile(r"lr_scheduler|LR$|ReduceLROnPlateau|CosineAnnealing")


@dataclass(frozen=True)
class Step:
    """One call in the order of the program. loops: the loops around it, outermost first; sure: in no branch."""

    kind: str
    line: int
    loops: tuple[ast.AST, ...]
    sure: bool
    name: str
    node: ast.AST


class Flow:
    """Walks the program from its top, into the functions that it calls; functions that nobody calls are walked by themselves."""

    def __init__(self, source: Program) -> None:
        self.source, self.names = source, source.names
        self.steps: list[Step] = []
        self.inside: list[str] = []
        self.walked: set[str] = set()
        self.methods = {
            f.name: f
            for c in self.names.classes.values()
            for f in c.body
            if isinstance(f, FunctionNode) and f.name not in ("forward", "__init__")
        }
        self._body(source.tree.body, (), True)
        for name, function in [*self.names.functions.items()]:
            if name not in self.walked and not any(s.node is function for s in self.steps):
                self._body(function.body, (), True)

    def _body(self, body: list[ast.stmt], loops: tuple[ast.AST, ...], sure: bool) -> None:
        for statement in body:
            self._statement(statement, loops, sure)

    def _statement(self, s: ast.stmt, loops: tuple[ast.AST, ...], sure: bool) -> None:
        if isinstance(s, (*FunctionNode, ast.ClassDef)):
            return
        if isinstance(s, (ast.For, ast.AsyncFor)):
            self._expression(s.iter, loops, sure)
            self._body(s.body, (*loops, s), sure)
            self._body(s.orelse, loops, sure)
        elif isinstance(s, ast.While):
            self._expression(s.test, loops, sure)
            self._body(s.body, (*loops, s), sure)
        elif isinstance(s, ast.If):
            main = "__name__" in ast.unparse(s.test)
            self._expression(s.test, loops, sure)
            self._body(s.body, loops, sure and main)
            self._body(s.orelse, loops, False)
        elif isinstance(s, (ast.With, ast.AsyncWith)):
            for item in s.items:
                self._expression(item.context_expr, loops, sure)
            self._body(s.body, loops, sure)
        elif isinstance(s, ast.Try):
            for part in (s.body, s.orelse, s.finalbody):
                self._body(part, loops, sure)
        else:
            if (
                isinstance(s, ast.Expr)
                and isinstance(s.value, ast.Attribute)
                and s.value.attr in ("step", "zero_grad", "backward")
            ):
                self._add(f"no call of {s.value.attr}", s, loops, sure, ast.unparse(s.value.value))
            if isinstance(s, ast.Assign) and re.search(r"\.grad$", ast.unparse(s.targets[0])):
                self._add("zero", s, loops, sure, "grad")
            self._expression(s, loops, sure)

    def _expression(self, node: ast.AST, loops: tuple[ast.AST, ...], sure: bool) -> None:
        for call in sorted(
            (n for n in ast.walk(node) if isinstance(n, ast.Call)),
            key=lambda c: (c.end_lineno or 0, c.end_col_offset or 0),
        ):
            self._call(call, loops, sure)

    def _call(self, call: ast.Call, loops: tuple[ast.AST, ...], sure: bool) -> None:
        word = called(call)
        owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if word in ("zero_grad", "zero_") and (word == "zero_grad" or owner.endswith("grad")):
            self._add("zero", call, loops, sure, owner)
        elif word == "backward":
            self._add("backward", call, loops, sure, owner)
        elif word == "step" and owner:
            self._add(self._kind_of_step(call, owner), call, loops, sure, owner)
        elif word in ("eval", "train") and owner and (not call.args or word == "train"):
            off = bool(call.args) and ast.unparse(call.args[0]) == "False"
            self._add("eval" if word == "eval" or off else "train", call, loops, sure, owner)
        elif word.startswith("clip_grad_"):
            self._add("clip", call, loops, sure, owner)
        elif word == "no_grad" or word == "inference_mode":
            self._add("no_grad", call, loops, sure, owner)
        elif (
            self.names.dotted(call.func).startswith("torch.optim.")
            and "lr_scheduler" not in self.names.dotted(call.func)
            and word[:1].isupper()
        ):
            self._add("optimizer", call, loops, sure, word)
        elif word in self.names.functions and isinstance(call.func, ast.Name):
            self._enter(word, self.names.functions[word], loops, sure)
        elif owner and word in self.methods and len(self.inside) < 4:
            self._enter(word, self.methods[word], loops, sure)

    def _enter(self, name: str, function: ast.AST, loops: tuple[ast.AST, ...], sure: bool) -> None:
        self.walked.add(name)
        if name in self.inside or len(self.inside) > 4:
            return
        self.inside.append(name)
        self._body(getattr(function, "body", []), loops, sure)
        self.inside.pop()

    def _kind_of_step(self, call: ast.Call, owner: str) -> str:
        value = self.names.value_of(call.func.value)  # type: ignore[attr-defined]
        text = self.names.dotted(value.func) if isinstance(value, ast.Call) else ""
        if SCHEDULES.search(text) or re.search(r"sched", owner, re.IGNORECASE):
            return "schedule"
        if "optim" in text or re.search(r"opt|adam|sgd|scaler|trainer", owner, re.IGNORECASE):
            return "step with closure" if call.args and "scaler" not in owner.lower() else "step"
        return "other step"

    def _add(self, kind: str, node: ast.AST, loops: tuple[ast.AST, ...], sure: bool, name: str) -> None:
        self.steps.append(Step(kind, getattr(node, "lineno", 0), loops, sure, name, node))

    def of(self, *kinds: str) -> list[Step]:
        return [s for s in self.steps if s.kind in kinds]

    def training_loops(self) -> list[tuple[ast.AST, list[Step]]]:
        """The innermost loops with a backward pass, each with all that happens in it."""
        found: dict[int, tuple[ast.AST, list[Step]]] = {}
        for s in self.of("backward"):
            if s.loops:
                found.setdefault(id(s.loops[-1]), (s.loops[-1], [t for t in self.steps if s.loops[-1] in t.loops]))
        return list(found.values())

"""Which models a loss can teach: the way of the gradient as the text shows it, and where it is cut."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .names import called, stored

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]
CUTS = frozenset(
    "detach item argmax argmin data numpy tolist round sign long int floor ceil argsort bool topk multinomial".split()
)
"""What no gradient comes through."""


@dataclass
class Reach:
    """open: models whose gradients come through; cut: those behind a cut, with the cut; unsure: something could not be told."""

    open: set[str] = field(default_factory=set)
    cut: dict[str, str] = field(default_factory=dict)
    unsure: bool = False

    def add(self, other: Reach) -> None:
        self.open |= other.open
        self.cut = {**other.cut, **self.cut}
        self.unsure |= other.unsure

    def behind(self, cut: str) -> Reach:
        """The same, seen from behind a cut."""
        return Reach(set(), {**{m: cut for m in self.open}, **self.cut}, self.unsure)


class Gradients:
    """The reach of expressions of one program."""

    def __init__(self, source: Source) -> None:
        self.source, self.bindings = source, source.bindings
        self.loops = {n for f in source.nodes if isinstance(f, (ast.For, ast.comprehension)) for n in stored(f.target)}
        self.quiet = {
            id(n)
            for w in source.nodes
            if isinstance(w, ast.With)
            and any("no_grad" in ast.unparse(i) or "inference_mode" in ast.unparse(i) for i in w.items)
            for n in ast.walk(w)
        } | {
            id(n)
            for f in source.nodes
            if isinstance(f, ast.FunctionDef) and any("no_grad" in ast.unparse(d) for d in f.decorator_list)
            for n in ast.walk(f)
        }

    def of(self, node: ast.AST | None, depth: int = 0) -> Reach:
        if node is None or isinstance(node, (ast.Constant, ast.Lambda)):
            return Reach()
        if depth > 25:
            return Reach(unsure=True)
        found = self._of(node, depth)
        return found.behind("no_grad") if id(node) in self.quiet else found

    def _of(self, node: ast.AST, depth: int) -> Reach:
        if isinstance(node, (ast.Name, ast.Attribute)) and not (
            isinstance(node, ast.Attribute) and node.attr in ("T", "data", "mT")
        ):
            return self._of_name(node, depth)
        if isinstance(node, ast.Attribute):
            inner = self.of(node.value, depth + 1)
            return inner.behind(".data") if node.attr == "data" else inner
        if isinstance(node, ast.Subscript) and (before := self.bindings.value(node)) is not None:
            return self.of(before, depth + 1)
        if isinstance(node, ast.Compare):
            return self._all([node.left, *node.comparators], depth).behind("a comparison")
        if isinstance(node, ast.Call):
            return self._of_call(node, depth)
        return self._all(list(ast.iter_child_nodes(node)), depth)

    def _all(self, nodes: list[ast.AST] | list[ast.expr], depth: int) -> Reach:
        found = Reach()
        for n in nodes:
            if not isinstance(n, (ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop)):
                found.add(self.of(n, depth + 1))
        return found

    def _of_name(self, node: ast.Name | ast.Attribute, depth: int) -> Reach:
        before = self.bindings.value(node)
        if before is not None:
            return self.of(before, depth + 1)
        if isinstance(node, ast.Name):
            known = (
                node.id in self.loops or node.id in self.source.names.imports or node.id in self.source.names.functions
            )
            return Reach(unsure=not known)
        return Reach(unsure=self.source.names.dotted(node).split(".")[0] not in ("torch", "numpy", "math"))

    def _of_call(self, node: ast.Call, depth: int) -> Reach:
        word = called(node)
        inside: list[ast.expr] = [*node.args, *(k.value for k in node.keywords)]
        method = isinstance(node.func, ast.Attribute) and self.source.names.dotted(node.func.value).split(".")[0] not in ("torch", "numpy", "math")  # fmt: skip
        made = self.bindings.built(node.func)
        if made is not None and self._is_module(made):
            found = self._all(inside, depth)
            found.open.add(ast.unparse(node.func))
            return found
        returned = self.bindings.returned(node)
        if returned is not None:
            return self.of(returned, depth + 1)
        if method and isinstance(node.func, ast.Attribute):
            inside = [node.func.value, *inside]
        found = self._all(inside, depth)
        dotted = self.source.names.dotted(node.func)
        if word in CUTS or (
            word in ("tensor", "as_tensor", "Tensor", "FloatTensor", "from_numpy") and dotted.startswith("torch.")
        ):
            return found.behind(word)
        if word == "Parameter":
            found.open.add("a parameter")
        if (
            not method
            and made is None
            and not dotted.startswith(("torch.", "numpy.", "math."))
            and word not in ("len", "float", "range", "sum", "zip")
        ):
            found.unsure = True
        return found

    def _is_module(self, made: ast.Call) -> bool:
        """A model with weights, no loss."""
        if isinstance(made.func, ast.Name) and self.source.names.is_module_class(made.func.id):
            return not made.func.id.lower().endswith("loss") and "Loss" not in made.func.id
        dotted = self.source.names.dotted(made.func)
        word = dotted.rpartition(".")[2]
        return (
            dotted.startswith("torch.nn.") and word[:1].isupper() and not word.endswith("Loss") and word != "Parameter"
        )


def cut_terms(source: Source) -> Found:
    """An addend of the loss that comes from a model and has no way back to it, beside one that has."""
    gradients, told = Gradients(source), set()
    for s in source.flow.of("backward"):
        root = _root(source, s.node)
        terms = list(addends(source, root))
        reached = [(t, gradients.of(t)) for t in terms]
        if len(terms) < 2 or not any(r.open for _, r in reached):
            continue
        for term, reach in reached:
            line = getattr(term, "lineno", s.line)
            if reach.cut and not reach.open and not reach.unsure and line not in told:
                told.add(line)
                model, cut = next(iter(reach.cut.items()))
                yield (
                    line,
                    f"the term {ast.unparse(term)[:50]} comes from {model}, and no gradient comes back through {cut}",
                )


KEPT_STILL = r"freez|frozen|backbone|pretrain|reservoir|random_feat|target|teacher|stop_?grad|momentum|codebook|quanti"


def cut_in_forward(source: Source) -> Found:
    """A part of a model whose output is cut off in forward, though the optimizer is given all parameters."""
    if source.mentions(KEPT_STILL) or not source.mentions(r"\.parameters\(\)"):
        return
    gradients = Gradients(source)
    for name, cls in source.names.classes.items():
        if not source.names.is_module_class(name):
            continue
        found = Reach()
        for value in source.models.returns_of(name):
            found.add(gradients.of(value))
        for model, cut in found.cut.items():
            if (
                model.startswith("self.")
                and model not in found.open
                and found.open
                and cut in ("detach", "item", "numpy", ".data")
            ):
                line = next(
                    (n.lineno for n in ast.walk(cls) if isinstance(n, ast.Call) and ast.unparse(n.func) == model),
                    cls.lineno,
                )
                yield line, f"what {model} gives is cut off by {cut} in forward of {name}: no gradient comes to it"


def taught_nothing(source: Source) -> Found:
    """The loss teaches one model, and the optimizer that is stepped holds another one, which stands behind a cut."""
    for line, root, behind, reach in _steps_without_way(source):
        if reach.open:
            yield (
                line,
                f"{root} has no way back to {behind}, which is what the optimizer holds: {reach.cut[behind]} cuts it",
            )


def all_cut(source: Source) -> Found:
    """The loss teaches no model at all."""
    for line, root, behind, reach in _steps_without_way(source):
        if not reach.open:
            yield line, f"{root} comes from {behind}, and no gradient comes back through {reach.cut[behind]}"


def _steps_without_way(source: Source) -> Iterator[tuple[int, str, str, Reach]]:
    """loss.backward(); optimizer.step(), where no gradient of the loss comes to what the optimizer holds."""
    gradients = Gradients(source)
    last: tuple[ast.AST, int] | None = None
    for s in source.flow.steps:
        if s.kind == "backward":
            last = s.node, s.line
        elif s.kind == "step" and last is not None:
            models, root = _models_of(source, s.node), _root(source, last[0])
            reach = gradients.of(root) if models and root is not None else Reach(unsure=True)
            behind = [m for m in models if m in reach.cut]
            if root is not None and behind and not reach.unsure and not any(m in reach.open for m in models):
                yield last[1], ast.unparse(root)[:50], behind[0], reach
            last = None


def _models_of(source: Source, at: ast.AST) -> list[str]:
    """The names of the models whose parameters an optimizer was given."""
    node = at.func.value if isinstance(at, ast.Call) and isinstance(at.func, ast.Attribute) else None
    made = source.bindings.made(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
    if not isinstance(made, ast.Call) or not source.names.dotted(made.func).startswith("torch.optim."):
        return []
    first = made.args[0] if made.args else None
    found = (
        [n for n in ast.walk(first) if isinstance(n, ast.Call) and called(n) == "parameters"]
        if first is not None
        else []
    )
    return [ast.unparse(n.func.value) for n in found if isinstance(n.func, ast.Attribute)]


def _root(source: Source, backward: ast.AST) -> ast.expr | None:
    if not isinstance(backward, ast.Call):
        return None
    if isinstance(backward.func, ast.Attribute) and backward.func.attr == "backward" and not backward.args:
        root: ast.expr | None = backward.func.value
    else:
        root = backward.args[0] if backward.args else None
    return source.bindings.made(root) if root is not None else None


def addends(source: Source, node: ast.expr | None, depth: int = 0) -> Iterator[ast.expr]:
    """The terms of a sum, through names, functions of the program and divisions by numbers."""
    if node is None or depth > 10:
        return
    made = source.bindings.made(node) or node
    returned = source.bindings.returned(made) if isinstance(made, ast.Call) else None
    if returned is not None:
        yield from addends(source, returned, depth + 1)
    elif isinstance(made, ast.BinOp) and isinstance(made.op, (ast.Add, ast.Sub)):
        yield from addends(source, made.left, depth + 1)
        yield from addends(source, made.right, depth + 1)
    elif isinstance(made, ast.BinOp) and isinstance(made.op, ast.Div):
        yield from addends(source, made.left, depth + 1)
    else:
        yield made

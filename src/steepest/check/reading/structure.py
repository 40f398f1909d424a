"""How the text builds a model: layers that are hidden, shared, built too late or follow one another without effect."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import called, spelled

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]


WITH_WEIGHTS = re.compile(
    r"^(Linear|LazyLinear|Conv\dd|ConvTranspose\dd|LSTM|GRU|RNN|Embedding|BatchNorm\dd|LayerNorm|TransformerEncoderLayer|TransformerEncoder|MultiheadAttention|Bilinear|GroupNorm)$"
)


def hidden_in_lists(source: Source) -> Found:
    """self.x = [nn.Linear(...), ...] in a module, never wrapped or registered."""
    for name, cls in source.names.classes.items():
        if not source.names.is_module_class(name):
            continue
        text = ast.unparse(cls)
        for node in ast.walk(cls):
            if not isinstance(node, ast.Assign) or not ast.unparse(node.targets[0]).startswith("self."):
                continue
            target = ast.unparse(node.targets[0])
            holds = isinstance(node.value, (ast.List, ast.ListComp, ast.Dict, ast.Tuple, ast.DictComp)) and _builds(
                source, node.value
            )
            appended = (
                isinstance(node.value, ast.List)
                and not node.value.elts
                and any(
                    isinstance(c, ast.Call)
                    and called(c) == "append"
                    and ast.unparse(c.func) == f"{target}.append"
                    and _builds(source, c)
                    for c in ast.walk(cls)
                )
            )
            wrapped = re.search(
                rf"(Sequential|ModuleList|ModuleDict)\(\*?{re.escape(target)}\b|add_module|register_module|setattr\(|\.parameters\(\) for",
                text + source.text,
            )
            if (holds or appended) and not wrapped and text.count(target) >= 2:
                yield (
                    node.lineno,
                    f"{target} of {name} is a plain {'dictionary' if isinstance(node.value, (ast.Dict, ast.DictComp)) else 'list'} of modules",
                )


def _builds(source: Source, node: ast.AST) -> bool:
    """A layer with weights is built in it."""
    return any(
        isinstance(c, ast.Call)
        and (
            WITH_WEIGHTS.match(called(c))
            and source.names.dotted(c.func).startswith("torch.nn")
            or isinstance(c.func, ast.Name)
            and source.names.is_module_class(c.func.id)
        )
        for c in ast.walk(node)
    )


def no_parameter(source: Source) -> Found:
    """self.w = torch.randn(..., requires_grad=True), or nn.Parameter(...) with an operation after it."""
    for name, cls in source.names.classes.items():
        if not source.names.is_module_class(name):
            continue
        for node in ast.walk(cls):
            if not isinstance(node, ast.Assign) or not ast.unparse(node.targets[0]).startswith("self."):
                continue
            text = ast.unparse(node.value)
            if (
                re.match(r"(torch\.\w+|Variable)\(", text)
                and re.search(r"requires_grad\s*=\s*True", text)
                and "Parameter" not in text
            ):
                yield node.lineno, f"{ast.unparse(node)[:70]}: no nn.Parameter"
            elif re.match(
                r"(nn\.|torch\.nn\.)?Parameter\(.*\)\s*(\.(to|cuda)\(.*\)|[*/+-] .*)$", text
            ) and _is_outermost(node.value):
                yield (
                    node.lineno,
                    f"{ast.unparse(node)[:70]}: what comes after Parameter(...) makes a plain tensor of it (.to on a GPU, arithmetic everywhere)",
                )


def _is_outermost(node: ast.expr) -> bool:
    """The operation stands around the parameter, not inside it."""
    return isinstance(node, ast.BinOp) or (isinstance(node, ast.Call) and called(node) in ("to", "cuda"))


def repeated_module(source: Source) -> Found:
    for call in source.calls("ModuleList", "Sequential"):
        for arg in call.args:
            inner = arg.value if isinstance(arg, ast.Starred) else arg
            if (
                isinstance(inner, ast.BinOp)
                and isinstance(inner.op, ast.Mult)
                and isinstance(inner.left, ast.List)
                and (_builds(source, inner.left) or any(source.names.is_module(e) for e in inner.left.elts))
            ):
                yield call.lineno, f"{spelled(inner)[:60]} holds one module several times"


def built_in_forward(source: Source) -> Found:
    for forward in source.names.forwards():
        guarded = {id(n) for i in ast.walk(forward) if isinstance(i, ast.If) for n in ast.walk(i)}
        for node in ast.walk(forward):
            if (
                isinstance(node, ast.Call)
                and source.names.dotted(node.func).startswith("torch.nn.")
                and id(node) not in guarded
            ):
                if WITH_WEIGHTS.match(called(node)) or called(node) in ("Dropout", "Dropout2d"):
                    if not (
                        called(node) in ("LayerNorm",) and "elementwise_affine=False" in spelled(node)
                    ) and not _switched(node):
                        yield node.lineno, f"{spelled(node)[:50]} is built in each call of forward"


def _switched(node: ast.Call) -> bool:
    return any(k.arg == "affine" and ast.unparse(k.value) == "False" for k in node.keywords)


def linear_twice(source: Source) -> Found:
    for call in source.calls("Sequential"):
        for first, second in zip(call.args, call.args[1:]):
            if all(isinstance(c, ast.Call) and called(c) == "Linear" and len(c.args) > 1 for c in (first, second)):
                a, b, c = spelled(first.args[0]), spelled(first.args[1]), spelled(second.args[1])  # type: ignore[attr-defined]
                sizes = [int(x) for x in (a, b, c) if x.isdigit()]
                if len(sizes) == 3 and sizes[1] >= min(sizes[0], sizes[2]):
                    yield second.lineno, f"{spelled(first)} goes into {spelled(second)} with no activation between"


def linear_in_linear(source: Source) -> Found:
    """self.b(self.a(x)) in forward, both nn.Linear."""
    for forward in source.names.forwards():
        for node in ast.walk(forward):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Call):
                pair = [
                    source.models.built(c.func) if ast.unparse(c.func).startswith("self.") else None
                    for c in (node.args[0], node)
                ]
                if (
                    all(c is not None and called(c) == "Linear" and len(c.args) > 1 for c in pair)
                    and pair[0] is not pair[1]
                ):
                    sizes = [spelled(pair[0].args[0]), spelled(pair[0].args[1]), spelled(pair[1].args[1])]  # type: ignore[union-attr]
                    if all(x.isdigit() for x in sizes) and int(sizes[1]) >= min(int(sizes[0]), int(sizes[2])):
                        yield node.lineno, f"{spelled(node)[:50]} with no activation between"
                        return

"""What the text tells of values: one-dimensional targets, whole numbers, yes and no."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .names import called, stored

if TYPE_CHECKING:
    from .source import Source

HANDED = (
    "float",
    "long",
    "to",
    "double",
    "clone",
    "cuda",
    "contiguous",
    "astype",
    "detach",
    "cpu",
    "numpy",
    "int",
    "half",
    "from_numpy",
    "tensor",
    "as_tensor",
    "FloatTensor",
    "LongTensor",
)
NUMPY_OF_TABLE = re.compile(
    r"load_\w+\(.*\)\.target$|(^|\.)target$|\w+\[['\"]\w+['\"]\](\.values|\.to_numpy\(\))?$|\.\w+\.values$"
)


def origin(source: Source, node: ast.expr | None, depth: int = 0) -> ast.expr | None:
    """The expression that made a value: names, loops over loaders, slices and changes of type are followed."""
    if node is None or depth > 12:
        return node
    if isinstance(node, ast.Name):
        value = source.models.last_value(node.id, node)
        if value is None:
            found = source.names.bound.get(node.id, [])
            value = found[0] if len(found) == 1 and not isinstance(found[0], ast.Tuple) else None
        looped = _of_loader(source, node.id)
        if looped is not None and value is None:
            return origin(source, looped, depth + 1)
        return origin(source, value, depth + 1) if value is not None else node
    if isinstance(node, ast.Subscript) and isinstance(node.slice, (ast.Slice, ast.Name)):
        return origin(source, node.value, depth + 1)
    if isinstance(node, ast.Call) and called(node) in HANDED:
        if isinstance(node.func, ast.Attribute) and source.names.dotted(node.func.value) not in ("torch", "numpy"):
            return origin(source, node.func.value, depth + 1)
        return origin(source, node.args[0], depth + 1) if node.args else node
    return node


def _of_loader(source: Source, name: str) -> ast.expr | None:
    """The tensor whose slices a loop variable holds: y of `for xb, yb in DataLoader(TensorDataset(X, y))`."""
    for node in source.nodes:
        if not isinstance(node, ast.For):
            continue
        target, over = node.target, node.iter
        if isinstance(over, ast.Call) and called(over) in ("enumerate", "tqdm") and over.args:
            target = (
                target.elts[1]
                if called(over) == "enumerate" and isinstance(target, ast.Tuple) and len(target.elts) == 2
                else target
            )
            over = over.args[0]
        names = list(stored(target))
        if name not in names or not isinstance(target, ast.Tuple):
            continue
        made = source.names.value_of(over)
        data = (
            source.names.value_of(made.args[0])
            if isinstance(made, ast.Call) and called(made) == "DataLoader" and made.args
            else None
        )
        if isinstance(data, ast.Call) and called(data) == "TensorDataset" and len(data.args) == len(names):
            return data.args[names.index(name)]
    return None


def is_flat(source: Source, node: ast.expr | None) -> bool:
    """Surely one-dimensional."""
    made = origin(source, node)
    if made is None:
        return False
    text = ast.unparse(made)
    if isinstance(made, ast.Subscript):
        return bool(re.search(r"\[:, -?\d+\]$", text)) or bool(NUMPY_OF_TABLE.search(text))
    if isinstance(made, ast.Call):
        if called(made) in ("randn", "rand", "zeros", "ones", "linspace", "arange"):
            sizes = [a for a in made.args if not isinstance(a, ast.Starred)]
            return called(made) in ("linspace", "arange") or (
                len(sizes) == 1 and (not isinstance(sizes[0], ast.Tuple) or len(sizes[0].elts) == 1)
            )
        if called(made) == "randint":
            size = next((a for a in made.args if isinstance(a, ast.Tuple)), None)
            return size is not None and len(size.elts) == 1
        if (
            called(made) in ("sum", "mean", "argmax")
            and "keepdim" not in text
            and re.search(r"\((dim=|axis=)?-?1\)$", text)
        ):
            return True
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.MatMult):
        return is_flat(source, made.right)
    if isinstance(made, ast.BinOp):
        sides = [made.left, made.right]
        plain = [
            s for s in sides if isinstance(origin(source, s), ast.Constant) or ast.unparse(s).replace(".", "").isdigit()
        ]
        rest = [s for s in sides if s not in plain]
        return bool(rest) and all(is_flat(source, s) for s in rest)
    if isinstance(made, ast.Compare):
        return is_flat(source, made.left)
    return bool(NUMPY_OF_TABLE.search(text))


def is_yes_no(source: Source, node: ast.expr | None) -> bool:
    """Surely only 0 and 1."""
    made = origin(source, node)
    return isinstance(made, ast.Compare) or (
        isinstance(made, ast.Call)
        and called(made) == "randint"
        and [ast.unparse(a) for a in made.args[:2]] == ["0", "2"]
    )


def is_class(source: Source, node: ast.expr | None) -> bool:
    """Surely class labels: the place of a largest score."""
    made = origin(source, node)
    return isinstance(made, ast.Call) and called(made) == "argmax"

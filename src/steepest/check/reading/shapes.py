"""What the text tells of values: how many axes they have, whether they are whole numbers, yes and no, or centred."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .names import called

if TYPE_CHECKING:
    from .source import Source

HANDED = frozenset(
    "float long to double clone cuda contiguous astype detach cpu numpy int half from_numpy tensor as_tensor FloatTensor LongTensor Tensor "
    "Variable asarray ascontiguousarray to_numpy type copy".split()
)
"""Calls that keep the numbers and the axes."""
RESHAPED = frozenset({"unsqueeze", "squeeze", "view", "reshape", "flatten", "ravel", "expand_dims"})
"""Calls that keep the numbers."""
MAKERS = frozenset("randn rand zeros ones empty full normal uniform random standard_normal random_sample".split())
ALIKE = frozenset(
    "sin cos exp log sqrt tanh sigmoid abs relu pow square round floor clip clamp sign softmax log_softmax where randn_like rand_like "
    "zeros_like ones_like transform fit_transform shuffle masked_fill roll flip nan_to_num logical_not".split()
)
"""Calls whose result has the axes of their first argument."""
REDUCE = frozenset("sum mean argmax argmin any all norm std var prod amax amin min max median logsumexp".split())
TABLES = re.compile(r"load_(iris|wine|digits|breast_cancer|diabetes|linnerud)$|fetch_california_housing$|make_(classification|regression|moons|blobs|circles|friedman\d)$")  # fmt: skip


def origin(source: Source, node: ast.expr | None, depth: int = 0) -> ast.expr | None:
    """The expression that made a value: names, loops over loaders, slices and changes of type are followed."""
    if node is None or depth > 16:
        return node
    before = source.bindings.value(node)
    if before is not None and before is not node:
        return origin(source, before, depth + 1)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, (ast.Slice, ast.Name, ast.Subscript, ast.Compare)):
        return origin(source, node.value, depth + 1)
    if isinstance(node, ast.Call) and (called(node) in HANDED or called(node) in RESHAPED):
        inside = handed(source, node)
        return origin(source, inside, depth + 1) if inside is not None else node
    return node


def handed(source: Source, node: ast.Call) -> ast.expr | None:
    """What x.float() and torch.tensor(x) are made of."""
    if isinstance(node.func, ast.Attribute) and source.names.dotted(node.func.value) not in ("torch", "numpy"):
        return node.func.value
    return node.args[0] if node.args else None


def is_flat(source: Source, node: ast.expr | None) -> bool:
    """Surely one-dimensional."""
    return axes(source, node) == 1


def axes(source: Source, node: ast.expr | None, depth: int = 0) -> int | None:
    """How many axes a value has; None where that is not sure. A batch of a loader counts as the array that it is drawn from."""
    if node is None or depth > 24:
        return None
    before = source.bindings.value(node)
    if before is not None and before is not node:
        return axes(source, before, depth + 1)
    if isinstance(node, ast.Constant):
        return 0
    if isinstance(node, ast.Attribute):
        return _of_attribute(source, node, depth)
    if isinstance(node, ast.Subscript):
        return _of_subscript(source, node, depth)
    if isinstance(node, ast.UnaryOp):
        return axes(source, node.operand, depth + 1)
    if isinstance(node, ast.Compare):
        return _of_pair(source, node.left, node.comparators[0], depth)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            a, b = axes(source, node.left, depth + 1), axes(source, node.right, depth + 1)
            return None if a is None or b is None else max(a + b - 2, 0) if min(a, b) == 1 else max(a, b)
        return _of_pair(source, node.left, node.right, depth)
    if isinstance(node, (ast.List, ast.Tuple)):
        inner = axes(source, node.elts[0], depth + 1) if node.elts else None
        return inner + 1 if inner is not None else None
    if isinstance(node, ast.ListComp):
        inner = axes(source, node.elt, depth + 1)
        return inner + 1 if inner is not None else None
    return _of_call(source, node, depth) if isinstance(node, ast.Call) else None


def _of_pair(source: Source, left: ast.expr, right: ast.expr, depth: int) -> int | None:
    a, b = axes(source, left, depth + 1), axes(source, right, depth + 1)
    if a is None and isinstance(left, ast.Name) and _is_number(source, left):
        a = 0
    if b is None and isinstance(right, (ast.Name, ast.Attribute)) and _is_number(source, right):
        b = 0
    return max(a, b) if a is not None and b is not None else None


def _is_number(source: Source, node: ast.expr) -> bool:
    return isinstance(source.bindings.made(node), ast.Constant)


def _of_attribute(source: Source, node: ast.Attribute, depth: int) -> int | None:
    whole = source.bindings.made(node.value)
    is_table = isinstance(whole, ast.Call) and TABLES.search(called(whole)) is not None
    if node.attr in ("data", "target") and is_table:
        return 2 if node.attr == "data" else 1
    if node.attr == "values":
        return axes(source, node.value, depth + 1) or (1 if _is_column(source, node.value) else None)
    if node.attr in ("data", "real", "grad"):
        return axes(source, node.value, depth + 1)
    if node.attr == "T":
        return axes(source, node.value, depth + 1)
    return None


def _is_column(source: Source, node: ast.expr) -> bool:
    """df["price"], a column of a table."""
    made = source.bindings.made(node)
    return (
        isinstance(made, ast.Subscript) and isinstance(made.slice, ast.Constant) and isinstance(made.slice.value, str)
    )


def _of_subscript(source: Source, node: ast.Subscript, depth: int) -> int | None:
    k = node.slice
    whole = source.bindings.made(node.value)
    if (
        isinstance(whole, ast.Call)
        and isinstance(k, ast.Constant)
        and isinstance(k.value, int)
        and TABLES.search(called(whole))
    ):
        return 2 if k.value == 0 else 1  # X, y of load_x(return_X_y=True) and make_x
    if isinstance(k, ast.Constant) and isinstance(k.value, str):
        return 1 if _is_table(source, whole) or k.value == "target" else None
    if isinstance(k, ast.List):
        return 2 if _is_table(source, whole) else axes(source, node.value, depth + 1)
    inner = axes(source, node.value, depth + 1)
    if inner is None:
        return None
    for index in k.elts if isinstance(k, ast.Tuple) else [k]:
        if isinstance(index, ast.Constant) and index.value is None:
            inner += 1
        elif isinstance(index, (ast.Constant, ast.UnaryOp)) and not (
            isinstance(index, ast.Constant) and index.value is Ellipsis
        ):
            inner -= 1
        elif not isinstance(index, (ast.Slice, ast.Constant)):
            step = _of_index(source, index, depth)
            if step is None:
                return None
            inner += step
    return max(inner, 0)


def _is_table(source: Source, whole: ast.expr | None) -> bool:
    """A data frame: read from a file, or built."""
    return isinstance(whole, ast.Call) and called(whole) in (
        "read_csv",
        "DataFrame",
        "read_parquet",
        "read_excel",
        "drop",
        "dropna",
    )


def _of_index(source: Source, index: ast.expr, depth: int) -> int | None:
    """What a name in brackets does to the axes: a permutation or a mask nothing, the number of a loop takes one away."""
    made = source.bindings.made(index)
    if isinstance(made, ast.Call) and called(made) in (
        "randperm",
        "permutation",
        "argsort",
        "choice",
        "randint",
        "arange",
    ):
        return 0
    if isinstance(made, ast.Compare):
        return 0
    found = axes(source, index, depth + 1)
    return None if found is None else found - 1


def _of_call(source: Source, node: ast.Call, depth: int) -> int | None:
    word, text = called(node), ast.unparse(node)
    of_tensor = isinstance(node.func, ast.Attribute) and source.names.dotted(node.func.value).split(".")[0] not in (
        "torch",
        "numpy",
    )
    subject = (
        node.func.value if of_tensor and isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
    )
    rest = node.args if of_tensor else node.args[1:]
    keywords = {k.arg: k.value for k in node.keywords}
    if word in MAKERS:
        return _of_sizes(node, keywords)
    if word in ("randint", "integers"):
        size = keywords.get("size") or next((a for a in node.args if isinstance(a, (ast.Tuple, ast.List))), None)
        return _length(size) if size is not None else (1 if "size" in keywords else None)
    if word in ("linspace", "arange", "randperm"):
        return 1
    if word in HANDED:
        return axes(source, handed(source, node), depth + 1)
    if word in ALIKE:
        first = node.args[0] if node.args and (not of_tensor or word in ("transform", "fit_transform")) else subject
        return axes(source, first, depth + 1)
    if word in ("stack", "cat", "concatenate", "vstack", "hstack", "array") and node.args:
        return _of_joined(source, word, node.args[0], depth)
    inner = axes(source, subject, depth + 1) if subject is not None else None
    if word in REDUCE:
        return _reduced(inner, rest, keywords)
    if word == "squeeze":
        return 1 if inner == 2 else None  # of (N, 1): on anything wider it would do nothing
    if word == "unsqueeze" or word == "expand_dims":
        return inner + 1 if inner is not None else None
    if word in ("flatten", "ravel") and not rest and not keywords:
        return 1
    if word in ("view", "reshape"):
        sizes = rest[0].elts if len(rest) == 1 and isinstance(rest[0], (ast.Tuple, ast.List)) else rest
        plain = all(isinstance(s, (ast.Constant, ast.UnaryOp)) for s in sizes)
        return len(sizes) if sizes and (plain or len(sizes) > 1) and "*" not in text else None
    if word == "one_hot":
        return inner + 1 if inner is not None else None
    return None


def _of_sizes(node: ast.Call, keywords: dict[str | None, ast.expr]) -> int | None:
    if "size" in keywords:
        return _length(keywords["size"])
    if called(node) in ("normal", "uniform"):
        return _length(node.args[2]) if len(node.args) > 2 else None
    sizes = [a for a in node.args if not isinstance(a, ast.Starred)]
    if len(sizes) != len(node.args) or not sizes:
        return None
    if isinstance(sizes[0], (ast.Tuple, ast.List)):
        return _length(sizes[0])
    if called(node) == "full":
        return None
    if len(sizes) == 1 and not isinstance(sizes[0], (ast.Constant, ast.Name, ast.Call, ast.BinOp)):
        return None
    if len(sizes) == 1 and ast.unparse(sizes[0]).endswith(("shape", "size()")):
        return None
    return len(sizes)


def _length(size: ast.expr) -> int | None:
    if isinstance(size, (ast.Tuple, ast.List)):
        return None if any(isinstance(e, ast.Starred) for e in size.elts) else len(size.elts)
    return (
        1
        if isinstance(size, (ast.Constant, ast.BinOp)) or isinstance(size, ast.Call) and called(size) == "len"
        else None
    )


def _of_joined(source: Source, word: str, parts: ast.expr, depth: int) -> int | None:
    parts = source.bindings.made(parts) or parts
    first = parts.elts[0] if isinstance(parts, (ast.List, ast.Tuple)) and parts.elts else parts.elt if isinstance(parts, (ast.ListComp, ast.GeneratorExp)) else None  # fmt: skip
    if word == "array" and first is None:
        return axes(source, parts, depth + 1) if not isinstance(parts, (ast.List, ast.Tuple)) else None
    inner = axes(source, first, depth + 1)
    if inner is None:
        return None
    return inner + 1 if word in ("stack", "array") else inner


def _reduced(inner: int | None, rest: list[ast.expr], keywords: dict[str | None, ast.expr]) -> int | None:
    over = keywords.get("dim") or keywords.get("axis") or (rest[0] if rest else None)
    if "keepdim" in keywords or "keepdims" in keywords or (len(rest) > 1 and ast.unparse(rest[1]) == "True"):
        return inner
    if over is None:
        return 0
    if isinstance(over, (ast.Tuple, ast.List)):
        return inner - len(over.elts) if inner is not None else None
    return inner - 1 if inner is not None else None


def is_yes_no(source: Source, node: ast.expr | None) -> bool:
    """Surely only 0 and 1."""
    made = origin(source, node)
    if isinstance(made, ast.Compare):
        return True
    if isinstance(made, ast.Subscript) and isinstance(made.slice, ast.Constant) and made.slice.value == 1:
        made = source.bindings.made(made.value)
        return isinstance(made, ast.Call) and is_of_two_classes(made)
    if isinstance(made, ast.Attribute) and made.attr == "target":
        whole = source.bindings.made(made.value)
        return isinstance(whole, ast.Call) and called(whole) == "load_breast_cancer"
    bounds = (
        [ast.unparse(a) for a in made.args[:2]]
        if isinstance(made, ast.Call) and called(made) in ("randint", "integers")
        else []
    )
    return bounds == ["0", "2"] or (bounds[:1] == ["2"] and len(made.args) > 1 and not bounds[1].isdigit())  # type: ignore[union-attr]


def is_of_two_classes(made: ast.Call) -> bool:
    """A data set of scikit-learn with labels 0 and 1."""
    options = {k.arg: ast.unparse(k.value) for k in made.keywords}
    if called(made) == "make_blobs":
        return options.get("centers") == "2"
    if called(made) == "make_classification":
        return options.get("n_classes", "2") == "2"
    return called(made) in ("make_moons", "make_circles", "load_breast_cancer")


def is_class(source: Source, node: ast.expr | None) -> bool:
    """Surely class labels: the place of a largest score, or the labels of a data set of classes."""
    made = origin(source, node)
    if isinstance(made, ast.ListComp):
        return (
            isinstance(made.elt, ast.Call) and called(made.elt) == "int" and is_class(source, made.generators[0].iter)
        )
    if isinstance(made, ast.Subscript) and isinstance(made.slice, ast.Constant) and made.slice.value == 1:
        made = source.bindings.made(made.value)
        return (
            isinstance(made, ast.Call)
            and re.search(r"load_(iris|wine|digits)$|make_(blobs|classification)$", called(made)) is not None
        )
    return isinstance(made, ast.Call) and called(made) == "argmax"


def is_centred(source: Source, node: ast.expr | None, depth: int = 0) -> bool:
    """Surely with negative numbers of usual size: drawn from a normal distribution, or standardised."""
    made = origin(source, node)
    if made is None or depth > 4:
        return False
    if isinstance(made, ast.Call):
        if called(made) in ("randn", "standard_normal", "normal"):
            return True
        if called(made) in ("fit_transform", "transform") and isinstance(made.func, ast.Attribute):
            owner = source.bindings.made(made.func.value)
            return isinstance(owner, ast.Call) and called(owner) in ("StandardScaler", "PowerTransformer")
        if called(made) in ("sum", "mean") and isinstance(made.func, ast.Attribute):
            return is_centred(source, made.func.value, depth + 1)
        return (
            called(made) in ("stack", "cat") and bool(made.args) and is_centred(source, _first(made.args[0]), depth + 1)
        )
    if isinstance(made, ast.Subscript):
        return isinstance(made.slice, ast.Tuple) and is_centred(source, made.value, depth + 1)
    if isinstance(made, ast.BinOp):
        if isinstance(made.op, ast.Div) and isinstance(made.left, ast.BinOp) and isinstance(made.left.op, ast.Sub):
            return bool(re.search(r"mean|mu\b", ast.unparse(made.left.right)))
        if isinstance(made.op, ast.MatMult):
            return is_centred(source, made.left, depth + 1) or is_centred(source, made.right, depth + 1)
        if isinstance(made.op, (ast.Add, ast.Sub)):
            return all(is_centred(source, a, depth + 1) for a in (made.left, made.right))
        if isinstance(made.op, ast.Mult):
            return any(is_centred(source, a, depth + 1) for a in (made.left, made.right))
    return False


def _first(parts: ast.expr) -> ast.expr:
    return parts.elts[0] if isinstance(parts, (ast.List, ast.Tuple)) and parts.elts else parts

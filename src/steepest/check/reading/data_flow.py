"""What happens to the data before training, as the text tells it: splits, scalers, resampling, shuffling, terms that go nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .names import called, stored
from .program import Program

SPLITS = ("train_test_split", "random_split")
LEARNERS = re.compile(
    r"Scaler|PCA|SelectKBest|Imputer|VarianceThreshold|PowerTransformer|QuantileTransformer|Vectorizer|Normalizer|SVD|NMF"
)
RESAMPLERS = ("fit_resample", "fit_sample")


def _scopes(source: Program) -> Iterator[list[ast.stmt]]:
    """The body of the program and of each function."""
    yield source.tree.body
    for node in source.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.body


def _calls_in(body: list[ast.stmt]) -> Iterator[ast.Call]:
    """Calls of one scope in the order of the text, functions inside left out."""
    stack: list[ast.AST] = list(body)
    found = []
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Call):
            found.append(node)
        stack += list(ast.iter_child_nodes(node))
    yield from sorted(found, key=lambda c: (c.lineno, c.col_offset))


def _splits(body: list[ast.stmt]) -> list[ast.Call]:
    return [c for c in _calls_in(body) if called(c) in SPLITS]


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def fitted_before_split(source: Program) -> Iterator[tuple[int, str, int]]:
    """(line, what, line of the split): a scaler or selector that learns from the rows which are split later."""
    for body in _scopes(source):
        for split in _splits(body):
            given = _feeding(body, {n for a in split.args for n in _names(a)}, split.lineno)
            for call in _calls_in(body):
                if (
                    call.lineno >= split.lineno
                    or called(call) not in ("fit_transform", "fit")
                    or not isinstance(call.func, ast.Attribute)
                ):
                    continue
                owner = ast.unparse(source.names.value_of(call.func.value))
                if LEARNERS.search(owner) and call.args and _names(call.args[0]) & given:
                    yield call.lineno, f"{owner[:40]}.{called(call)}({ast.unparse(call.args[0])[:30]})", split.lineno


def fitted_before_cut(source: Program) -> Iterator[tuple[int, str, int]]:
    """(line, what, line of the cut): fit_transform of all rows, then rows of its result are taken for training and for a test."""
    assigns = [n for n in source.nodes if isinstance(n, ast.Assign)]
    if any(True for _ in source.calls(*SPLITS, "KFold", "StratifiedKFold", "Pipeline", "make_pipeline")):
        return
    for node in assigns:
        call = node.value
        if not (
            isinstance(call, ast.Call)
            and called(call) == "fit_transform"
            and isinstance(call.func, ast.Attribute)
            and call.args
        ):
            continue
        owner = ast.unparse(source.names.value_of(call.func.value))
        if not LEARNERS.search(owner) or re.search(r"train|\btr\b|\[", ast.unparse(call.args[0])):
            continue
        derived = {name for t in node.targets for name in stored(t)}
        for other in sorted(assigns, key=lambda n: n.lineno):
            if (
                other.lineno > node.lineno
                and derived & _names(other.value)
                and not isinstance(other.value, ast.Subscript)
            ):
                derived |= {name for t in other.targets for name in stored(t)}
        for cut in (n for n in source.nodes if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)):
            if (
                cut.value.id in derived  # type: ignore[attr-defined]
                and cut.lineno > node.lineno
                and re.search(r"test|te\b|val|held", ast.unparse(cut.slice))
            ):
                yield node.lineno, f"{owner[:40]}.fit_transform({ast.unparse(call.args[0])[:30]})", cut.lineno
                break
        for other in assigns:
            names = [name for t in other.targets for name in stored(t)]
            takes = any(
                isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name) and n.value.id in derived
                for n in ast.walk(other.value)
            )
            if takes and other.lineno > node.lineno and any(re.search(r"test|_te\b|val", n) for n in names):
                yield node.lineno, f"{owner[:40]}.fit_transform({ast.unparse(call.args[0])[:30]})", other.lineno
                break


def _feeding(body: list[ast.stmt], names: set[str], before: int) -> set[str]:
    """The names from which these names were made, the names themselves included."""
    names = set(names)
    for node in sorted((n for s in body for n in ast.walk(s) if isinstance(n, ast.Assign)), key=lambda n: -n.lineno):
        if node.lineno < before and {name for t in node.targets for name in stored(t)} & names:
            names |= _names(node.value)
    return names


def resampled_before_split(source: Program) -> Iterator[tuple[int, str, int]]:
    """(line, what, line of the split): rows that are repeated before they are dealt out."""
    for body in _scopes(source):
        for split in _splits(body):
            given = _feeding(body, {n for a in split.args for n in _names(a)}, split.lineno)
            for node in (n for s in body for n in ast.walk(s) if isinstance(n, ast.Assign)):
                if node.lineno >= split.lineno or not {name for t in node.targets for name in stored(t)} & given:
                    continue
                for call in (c for c in ast.walk(node.value) if isinstance(c, ast.Call)):
                    if called(call) in RESAMPLERS or (
                        called(call) == "resample" and "replace=False" not in ast.unparse(call)
                    ):
                        yield call.lineno, ast.unparse(call)[:60], split.lineno


def shuffled_apart(source: Program) -> Iterator[tuple[int, str, str]]:
    """(line, shuffled name, the name that goes with it and stays)."""
    pairs = _pairs(source)
    for node in source.nodes:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
            continue
        name, order = node.targets[0].id, _random_order(source, node.value)
        if order is None:
            continue
        for other in sorted(pairs.get(name, ())):
            if not _is_ordered_too(source, other, order, node):
                yield node.lineno, name, other
    yield from _shuffled_in_place(source, pairs)


def _shuffled_in_place(source: Program, pairs: dict[str, set[str]]) -> Iterator[tuple[int, str, str]]:
    """rng.shuffle(X), and what goes with X is left as it is or shuffled by other numbers."""
    calls = {
        c.args[0].id: c
        for c in source.calls("shuffle")
        if len(c.args) == 1 and isinstance(c.args[0], ast.Name) and isinstance(c.func, ast.Attribute)
    }
    if source.mentions(r"seed\(|set_state|RandomState\(|zip\("):
        return
    for name, call in calls.items():
        for other in sorted(pairs.get(name, ())):
            if other not in calls or call.lineno < calls[other].lineno:
                yield call.lineno, name, other


def _pairs(source: Program) -> dict[str, set[str]]:
    """Names that are handed over side by side to TensorDataset, a split or a fit: inputs and labels."""
    found: dict[str, set[str]] = {}
    for call in source.calls("TensorDataset", *SPLITS):
        names = [a.id for a in call.args if isinstance(a, ast.Name)]
        for name in names:
            found.setdefault(name, set()).update(n for n in names if n != name)
    for statement in (n for n in source.nodes if isinstance(n, (ast.Assign, ast.Expr))):
        slices: dict[str, set[str]] = {}
        for n in ast.walk(statement):
            if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name) and isinstance(n.slice, ast.Slice):
                slices.setdefault(ast.unparse(n.slice), set()).add(n.value.id)
        for together in slices.values():
            for name in together:
                found.setdefault(name, set()).update(together - {name})
    return found


def _random_order(source: Program, value: ast.expr) -> str | None:
    """X[order] or X[torch.randperm(n)]: how the order is spelled."""
    if not isinstance(value, ast.Subscript) or not isinstance(value.value, ast.Name):
        return None
    order = source.names.value_of(value.slice)
    if isinstance(order, ast.Call) and called(order) in ("randperm", "permutation"):
        return ast.unparse(value.slice)
    return None


def _is_ordered_too(source: Program, other: str, order: str, first: ast.Assign) -> bool:
    for node in source.nodes:
        if isinstance(node, ast.Assign) and other in {n for t in node.targets for n in stored(t)}:
            if f"[{order}]" in ast.unparse(node.value) and "randperm" not in order and "permutation" not in order:
                return True
            if node.lineno > first.lineno and set(_pairs(source).get(other, ())) & _names(node.value):
                return True
    return False


def windows_split_at_random(source: Program) -> Iterator[tuple[int, str]]:
    """Windows made of a series in a loop, then train_test_split with shuffling."""
    windows = set()
    for node in source.nodes:
        if isinstance(node, (ast.For, ast.ListComp)):
            text = ast.unparse(node)
            if re.search(r"\w+\[(\w+)\s*:\s*\1\s*\+\s*\w+\]", text):
                windows |= {m for m in re.findall(r"(\w+)\.append\(", text)}
                windows |= {
                    n for name, values in source.names.bound.items() for v in values if v is node for n in [name]
                }
        elif isinstance(node, ast.Call) and called(node) in ("unfold", "sliding_window_view"):
            windows |= {
                name
                for name, values in source.names.bound.items()
                for v in values
                if any(n is node for n in ast.walk(v))
            }
    windows |= _functions_of_windows(source)
    for split in source.calls("random_split"):
        first = source.names.value_of(split.args[0]) if split.args else None
        given = _feeding(source.tree.body, _names(first) if first is not None else set(), split.lineno)
        if given & windows:
            yield (
                split.lineno,
                f"windows ({', '.join(sorted(given & windows)[:2])}) of one series overlap, and random_split deals them out",
            )
    for split in source.calls("train_test_split"):
        keeps = any(
            k.arg == "shuffle" and isinstance(k.value, ast.Constant) and k.value.value is False for k in split.keywords
        )
        given = _feeding(source.tree.body, {n for a in split.args for n in _names(a)}, split.lineno)
        if not keeps and given & windows:
            yield (
                split.lineno,
                f"windows ({', '.join(sorted(given & windows)[:2])}) of one series overlap, and train_test_split shuffles them",
            )


def _functions_of_windows(source: Program) -> set[str]:
    """Names bound to the result of a function of the program that cuts windows."""
    cutters = {
        name
        for name, f in source.names.functions.items()
        if re.search(r"\w+\[(\w+)\s*:\s*\1\s*\+\s*\w+\]", ast.unparse(f))
    }
    return {
        name for name, values in source.names.bound.items() for v in values
        if isinstance(v, ast.Call) and isinstance(v.func, ast.Name) and v.func.id in cutters
    }  # fmt: skip


def unused_terms(source: Program) -> Iterator[tuple[int, str]]:
    """(line, name): bound to the value of a loss beside another that is trained, and read nowhere."""
    if not any(called(c) == "backward" for c in source.calls("backward")):
        return
    for body in _scopes(source):
        reads = {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        for node in (n for s in body for n in ast.walk(s) if isinstance(n, ast.Assign)):
            names = [t.id for t in node.targets if isinstance(t, ast.Name)]
            if (
                len(names) == 1
                and names[0] not in reads
                and _is_loss(source, node.value)
                and re.search(r"loss|penal|reg|kl|term|aux|l1|l2|smooth|entropy|consist|norm|decay|tv", names[0])
            ):
                yield node.lineno, names[0]


def _is_loss(source: Program, value: ast.expr) -> bool:
    """A call of a loss, or arithmetic on tensors that ends in a mean or sum."""
    for call in (c for c in ast.walk(value) if isinstance(c, ast.Call)):
        if (
            called(call).endswith("Loss")
            or called(call) in ("mean", "sum", "norm")
            or source.names.dotted(call.func).startswith("torch.nn.functional")
        ):
            return True
        bound = source.names.value_of(call.func)
        if isinstance(bound, ast.Call) and called(bound).endswith("Loss"):
            return True
        own = source.names.functions.get(called(call)) if isinstance(call.func, ast.Name) else None
        if own is not None and re.search(r"\.(sum|mean|norm)\(|\.parameters\(", ast.unparse(own)):
            return True
    return False

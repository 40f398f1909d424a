"""How results are counted and the best model is kept, as the text tells it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .names import called, pairs_of
from .program import Program

TEST = re.compile(r"(?<![a-z])(test|tst)(?!ing|_?(mode|run|data_path))(?![a-z])", re.IGNORECASE)


def _sums(source: Program) -> Iterator[tuple[str, ast.expr, int]]:
    """(name, what is added, line) of every `name += ...` and `name = name + ...`."""
    for node in source.nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            yield ast.unparse(node.target), node.value, node.lineno
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add):
            target = ast.unparse(node.targets[0])
            if ast.unparse(node.value.left) == target:
                yield target, node.value.right, node.lineno


def _over_batches(source: Program) -> Iterator[tuple[str, int]]:
    """(name, line) of `name / len(loader)` and `name /= len(loader)`, where the loader is surely one."""
    for node in source.nodes:
        pair: tuple[ast.expr, ast.expr] | None = None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            pair = node.left, node.right
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
            pair = node.target, node.value
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and pair is not None and _is_number_of_batches(source, pair[1]):
            for name in {ast.unparse(n) for n in ast.walk(pair[0]) if isinstance(n, (ast.Name, ast.Attribute))}:
                yield name, node.lineno


def _is_number_of_batches(source: Program, node: ast.expr) -> bool:
    """len(loader), or a name that was bound to it."""
    node = source.names.value_of(node)
    if not (isinstance(node, ast.Call) and called(node) == "len" and len(node.args) == 1):
        return False
    over = source.names.value_of(node.args[0])
    spelled = ast.unparse(node.args[0])
    return (isinstance(over, ast.Call) and called(over) == "DataLoader") or re.search(
        r"(loader|dl|dataloader)s?(\[.*\])?$", spelled
    ) is not None


def counts_over_batches(source: Program) -> Iterator[tuple[int, str]]:
    """(line, name): a sum of `.sum()`s of comparisons, divided by the number of batches."""
    counted = set()
    for name, added, _ in _sums(source):
        text = ast.unparse(added)
        inner = [source.names.value_of(n) for n in ast.walk(added) if isinstance(n, ast.Name)]
        whole = " ".join([text, *(ast.unparse(n) for n in inner if not isinstance(n, ast.Name))])
        if (
            re.search(r"==", whole)
            and re.search(r"\.sum\(\)|torch\.sum|np\.sum", whole)
            and not re.search(r"mean\(|/", text)
        ):
            counted.add(name)
    for name, line in _over_batches(source):
        if name in counted:
            yield line, name


def means_of_means(source: Program) -> Iterator[tuple[int, str, bool]]:
    """(line, name, whether it evaluates): a sum of batch means, divided by the number of batches."""
    sums: dict[str, list[tuple[ast.expr, int]]] = {}
    for name, added, line in _sums(source):
        sums.setdefault(name, []).append((added, line))
    for name, added in ((n, a) for n, values in sums.items() for a, _ in values):
        shared = added if isinstance(added, ast.BinOp) and isinstance(added.op, ast.Div) else None
        if shared is not None and _is_number_of_batches(source, shared.right) and _is_batch_mean(source, shared.left):
            yield added.lineno, name, _evaluates(source, added.lineno)
    for name, line in _over_batches(source):
        for added, at in sums.get(name, ()):
            text = ast.unparse(added)
            weighted = re.search(r"\*|len\(|size\(|shape|batch_size|\.sum\(\)", text)
            mean = re.search(r"\.item\(\)|\.mean\(\)|accuracy|detach\(\)|float\(", text)
            if mean and not weighted:
                yield line, name, _evaluates(source, at)
                break


def _is_batch_mean(source: Program, value: ast.expr) -> bool:
    """A mean over a batch: a loss, or the mean of comparisons."""
    made = ast.unparse(source.names.value_of(value))
    return bool(re.search(r"\.mean\(|criterion|loss", made)) and "sum(" not in made


def _evaluates(source: Program, line: int) -> bool:
    """The innermost function or loop around the line trains nothing."""
    inside = [
        n for n in source.nodes
        if isinstance(n, (ast.For, ast.FunctionDef)) and n.lineno <= line <= (n.end_lineno or n.lineno)
    ]  # fmt: skip
    inner = max(inside, key=lambda n: n.lineno, default=None)
    return inner is not None and not any(isinstance(n, ast.Call) and called(n) == "backward" for n in ast.walk(inner))


def kept_by_reference(source: Program) -> Iterator[tuple[int, str]]:
    """(line, what): `best = model.state_dict()` in a loop, loaded or saved later; `best_model = model`."""
    loops = [n for n in source.nodes if isinstance(n, (ast.For, ast.While))]
    for node in source.nodes:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        in_loop = any(n.lineno <= node.lineno <= (n.end_lineno or 0) for n in loops)
        for name, value in pairs_of(node.targets[0], node.value):
            what = _reference(source, value, name)
            if what and _is_used_later(source, name, what) and (in_loop or _is_in_method(source, node.lineno)):
                yield node.lineno, what


def _is_in_method(source: Program, line: int) -> bool:
    """Inside a method, such as the __call__ of an early stopping class."""
    return any(
        isinstance(n, ast.FunctionDef) and n.name != "__init__" and n.lineno <= line <= (n.end_lineno or 0) and n.args.args[:1]
        and n.args.args[0].arg == "self"
        for n in source.nodes
    )  # fmt: skip


def _reference(source: Program, value: ast.expr, name: str) -> str:
    if isinstance(value, ast.Call):
        inner = value
        if called(value) in ("copy", "dict", "OrderedDict") and "deepcopy" not in ast.unparse(value):
            first = value.args[0] if value.args else value.func.value if isinstance(value.func, ast.Attribute) else None
            inner = first if isinstance(first, ast.Call) else value
        if called(inner) == "state_dict" and "best" in name.lower() + "best" and "deepcopy" not in ast.unparse(value):
            return ast.unparse(value)
    if isinstance(value, ast.Name) and re.search(r"best", name) and source.names.is_module(value):
        return ast.unparse(value)
    if isinstance(value, ast.DictComp) and "state_dict()" in ast.unparse(value.generators[0].iter):
        plain = ast.unparse(value.value)
        if plain == ast.unparse(value.generators[0].target).strip("()").split(",")[-1].strip() or plain.endswith(
            ".detach()"
        ):
            return ast.unparse(value)[:60]
    return ""


def _is_used_later(source: Program, name: str, what: str) -> bool:
    """It is loaded into a model at some other place; saved or returned at once it would be no mistake."""
    short = name.rpartition(".")[2]
    for call in source.calls("load_state_dict"):
        if call.args and re.search(rf"\b{re.escape(short)}\b", ast.unparse(call.args[0])):
            return True
    return "state_dict" not in what or bool(re.search(rf"return .*\b{re.escape(short)}\b", source.text))


def chosen_by_test(source: Program) -> Iterator[tuple[int, str]]:
    """(line, name): a score of the test data that decides inside the training loop."""
    loops = [n for n in source.nodes if isinstance(n, (ast.For, ast.While)) and _trains(source, n)]
    if not loops:
        return
    scores = _test_scores(source)
    for node in source.nodes:
        line = getattr(node, "lineno", 0)
        if not any(n.lineno <= line <= (n.end_lineno or 0) for n in loops):
            continue
        if isinstance(node, ast.If):
            names = {ast.unparse(n) for n in ast.walk(node.test) if isinstance(n, (ast.Name, ast.Attribute))}
            compares = isinstance(node.test, (ast.Compare, ast.BoolOp)) and any(
                re.search(r"best|min_|max_|lowest|highest", n) for n in names
            )
            if compares and names & scores:
                yield line, sorted(names & scores)[0]
        elif (
            isinstance(node, ast.Call)
            and called(node) in ("step", "early_stopping", "stopper", "early_stop")
            and node.args
        ):
            given = ast.unparse(node.args[0])
            if given in scores:
                yield line, given


def _trains(source: Program, loop: ast.For | ast.While) -> bool:
    """backward stands in the loop, or in a function that it calls."""
    calls = [n for n in ast.walk(loop) if isinstance(n, ast.Call)]
    if any(called(c) == "backward" for c in calls):
        return True
    methods = {f.name: f for c in source.names.classes.values() for f in c.body if isinstance(f, ast.FunctionDef)}
    known = {**methods, **source.names.functions}
    bodies = [known[called(c)] for c in calls if called(c) in known and called(c) not in ("forward", "__init__")]
    return any(isinstance(n, ast.Call) and called(n) == "backward" for f in bodies for n in ast.walk(f))


def _test_scores(source: Program) -> set[str]:
    """Names bound to something computed from test data, and names that say so."""
    found = set()
    for name, values in source.names.bound.items():
        for v in values:
            words = {n.id for n in ast.walk(v) if isinstance(n, ast.Name)} | {
                n.attr for n in ast.walk(v) if isinstance(n, ast.Attribute)
            }
            is_call = any(isinstance(n, ast.Call) for n in ast.walk(v))
            if (
                is_call
                and any(TEST.search(w) and not callable_name(source, w) for w in words)
                and (re.search(r"acc|loss|score|f1|auc|err|metric|rmse|mse|mae|iou|r2|val", name) or TEST.search(name))
            ):
                found.add(name)
            elif TEST.search(name) and re.search(r"acc|loss|score|f1|auc|err|rmse|mse|mae|iou|r2", name) and is_call:
                found.add(name)
    for name, _, _ in _sums(source):
        if TEST.search(name) and re.search(r"acc|loss|score|correct|err", name):
            found.add(name)
    return found


def callable_name(source: Program, word: str) -> bool:
    """A function called test(...) says nothing about the data that it is given."""
    return word in source.names.functions

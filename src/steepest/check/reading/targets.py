"""Losses and their targets as the text shows them: each function yields (line, evidence), and nothing where it is not sure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .columns import is_column
from .names import called, stored
from .network import last_linear_of
from .rates import count_of, number_of
from .reach import addends
from .shapes import HANDED, axes, handed, is_centred, is_class, is_yes_no, origin

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]
RESHAPED = re.compile(r"squeeze|flatten|view|reshape|ravel|\[:, 0\]|unsqueeze|None\]")


def _is_reshaped(source: Source, output: ast.expr) -> bool:
    value = source.models.last_value(output.id, output) if isinstance(output, ast.Name) else output
    forwards = " ".join(
        ast.unparse(n) for f in source.names.forwards() for n in ast.walk(f) if isinstance(n, ast.Return)
    )
    return value is None or bool(RESHAPED.search(ast.unparse(value))) or bool(RESHAPED.search(forwards))


def classes_as_numbers(source: Source) -> Found:
    for site in source.models.losses():
        output, target = site.argument(0, "input"), site.argument(1, "target")
        if site.kind not in ("mse", "l1") or target is None or output is None:
            continue
        if source.models.ending(output) == "log_softmax":
            yield site.call.lineno, f"{called(site.made or site.call)} of log-probabilities"
        elif (
            source.mentions(r"load_(iris|wine|digits|breast_cancer)\(")
            and not source.mentions(r"one_hot|OneHot|Binarizer|\beye\(")
            and not {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
            & {n.id for n in ast.walk(output) if isinstance(n, ast.Name)}
            and source.models.ending(output) == "linear"
        ):
            yield site.call.lineno, f"{called(site.made or site.call)} on the labels of a data set of classes"
        elif (
            is_class(source, target)
            and "one_hot" not in ast.unparse(target)
            and source.models.ending(output) in ("linear", "softmax")
        ):
            made = origin(source, target)
            yield (
                site.call.lineno,
                f"the target of {called(site.made or site.call)} are class labels: {ast.unparse(made)[:50] if made else ''}",
            )


def several_labels(source: Source) -> Found:
    for site in source.models.losses():
        target = site.argument(1, "target")
        made = origin(source, target)
        if site.kind != "cross_entropy" or target is None or made is None or not is_yes_no(source, target):
            continue
        if isinstance(made, ast.Compare) and any(isinstance(op, (ast.Eq, ast.NotEq)) for op in made.ops):
            continue  # labels[:, None] == arange(C): one-hot rows
        last = last_linear_of(source, site.call.args[0]) if site.call.args else None
        if is_column(source, target) or (last is not None and len(last.args) > 1 and ast.unparse(last.args[1]) == "1"):
            continue
        if axes(source, target) in (None, 2) and _is_float(source, target):
            yield (
                site.call.lineno,
                f"the target {ast.unparse(target)[:30]} holds a yes or no per class ({ast.unparse(made)[:40]})",
            )


def _is_float(source: Source, target: ast.expr) -> bool:
    """The last change of type on the way from the data to the loss makes numbers of it, not whole ones."""
    at: ast.expr | None = target
    for _ in range(12):
        if at is None:
            break
        if isinstance(at, ast.Call):
            text = " ".join(
                [called(at), *(ast.unparse(a) for a in at.args), *(ast.unparse(k.value) for k in at.keywords)]
            )
            if re.search(r"^(float|double|FloatTensor)\b|\bfloat(32|64)?['\"]?$|torch\.float", text):
                return True
            if re.search(r"^(long|int|LongTensor|argmax)\b|int(32|64)?['\"]?$|torch\.long", text):
                return False
        at = source.bindings.value(at) or _inside(source, at)
    return False


def zero_one_signs(source: Source) -> Found:
    for call in (n for n in source.nodes if isinstance(n, ast.Call)):
        made = call.func if isinstance(call.func, ast.Call) else source.names.value_of(call.func)
        word = called(made) if isinstance(made, ast.Call) and made is not call else called(call)
        if (
            word in ("SoftMarginLoss", "HingeEmbeddingLoss", "soft_margin_loss", "hinge_embedding_loss")
            and len(call.args) > 1
        ):
            if is_yes_no(source, call.args[1]):
                yield call.lineno, f"{word} gets targets of 0 and 1"
        elif (
            word in ("CosineEmbeddingLoss", "MarginRankingLoss", "cosine_embedding_loss", "margin_ranking_loss")
            and len(call.args) > 2
        ):
            if is_yes_no(source, call.args[2]):
                yield call.lineno, f"{word} gets targets of 0 and 1"
    for node in source.nodes:
        if isinstance(node, ast.Call) and called(node) in ("clamp", "relu", "maximum"):
            hinge = re.search(r"1(?:\.0)? - (\w+)(?:\[[^\]]*\])? \* (\w+)", ast.unparse(node))
            names = [n for n in ast.walk(node) if hinge and isinstance(n, ast.Name) and n.id in (hinge[1], hinge[2])]
            name = next((n for n in names if is_yes_no(source, n)), None)
            if name is not None:
                yield node.lineno, f"{ast.unparse(node)[:50]} with {name.id} of 0 and 1"


SCORES = re.compile(r"dice|iou|jaccard|tversky|f1|accuracy|pearson|corr|ssim|psnr|r2", re.IGNORECASE)
TURNED = re.compile(r"\b1(\.0)? - |return -|-torch|= -|-\w+\.mean|\* -1|neg|Loss\(|losses\.")


def larger_is_better(source: Source) -> Found:
    """loss = dice(...) of a function or module of the program that returns the score itself."""
    roots = {s.name for s in source.flow.of("backward")}
    for node in source.nodes:
        if not isinstance(node, ast.Assign) or not {n for t in node.targets for n in stored(t)} & roots:
            continue
        if not isinstance(node.value, ast.Call):
            continue
        word, body, returned = _score_of(source, node.value)
        if returned and not TURNED.search(body):
            yield node.lineno, f"{word}(...) returns {returned[:50]}, larger for better answers, and is minimised"
    for s in source.flow.of("backward"):
        root = s.node.func.value if isinstance(s.node, ast.Call) and isinstance(s.node.func, ast.Attribute) else None
        made = source.bindings.made(root) if root is not None else None
        if isinstance(made, ast.Call) and re.search(
            r"\.log_prob\([^()]*(\([^()]*\)[^()]*)*\)(\.(mean|sum)\([^()]*\))*$", ast.unparse(made)
        ):
            if not source.mentions(r"maximize\s*=\s*True"):
                yield (
                    made.lineno,
                    f"{ast.unparse(made)[:60]}: a likelihood is larger for better answers, and is minimised",
                )


def _score_of(source: Source, call: ast.Call) -> tuple[str, str, str]:
    """(name, body, what is returned) of a score that a function or module of the program computes."""
    word = called(call)
    function: ast.AST | None = source.names.functions.get(word) if isinstance(call.func, ast.Name) else None
    made = source.models.built(call.func) if function is None else None
    if made is not None and source.names.is_module_class(called(made)):
        word = called(made)
        cls = source.names.classes[word]
        function = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None)
    if function is None or not SCORES.search(word):
        return "", "", ""
    returns = [ast.unparse(n.value) for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
    return word, ast.unparse(function), returns[0] if returns else ""


def sum_beside_mean(source: Source) -> Found:
    """One term of the loss is summed over the batch and another averaged."""
    told = set()
    for s in source.flow.of("backward"):
        root = s.node.func.value if isinstance(s.node, ast.Call) and isinstance(s.node.func, ast.Attribute) else None
        terms = list(addends(source, root)) if root is not None else []
        units = {_unit(source, term): term for term in terms}
        if {"sum", "mean"} <= set(units) and s.line not in told:
            told.add(s.line)
            line = max(getattr(t, "lineno", s.line) for t in units.values())
            yield (
                line,
                f"{ast.unparse(units['sum'])[:50]} is summed over the batch, {ast.unparse(units['mean'])[:50]} is averaged",
            )


def out_of_range(source: Source) -> Found:
    """A square loss between an output that ends with ReLU, sigmoid or tanh and targets that are surely negative at times."""
    for site in source.models.losses():
        end = source.models.ending(site.argument(0, "input"))
        target = site.argument(1, "target")
        if (
            site.kind in ("mse", "l1")
            and end in ("relu", "sigmoid", "softplus", "softmax", "tanh")
            and is_centred(source, target)
        ):
            yield (
                site.call.lineno,
                f"the output ends with {end}, and the target is centred around 0: {ast.unparse(target)[:40] if target else ''}",
            )


def _unit(source: Source, term: ast.expr) -> str:
    """ "sum" or "mean" of the whole batch, "" where it is not sure."""
    value = source.models.last_value(term.id, term) if isinstance(term, ast.Name) else term
    if value is None:
        return ""
    text = ast.unparse(value)
    small = [
        n.value
        for n in ast.walk(value)
        if isinstance(n, ast.Constant) and isinstance(n.value, float) and 0 < n.value <= 0.05
    ]
    if small or re.search(r"/|parameters\(|norm\(|weight\b|self\.\w+(\.\w+\([^()]*\))*\.sum\(\)", text):
        return ""  # a penalty on weights, or a term that was brought to scale by hand
    for site in source.models.losses():
        if site.call is value:
            reduction = site.option("reduction")
            if site.option("size_average") is not None or site.option("reduce") is not None:
                return ""
            return "mean" if reduction is None else str(getattr(reduction, "value", ""))
    if (
        re.search(r"torch\.sum\([^=]*\)$|\.sum\(\)$", text)
        and "mean" not in text
        and not re.search(r"dim|axis|, -?1\)", text)
    ):
        return "sum"
    return ""


def bytes_as_targets(source: Source) -> Found:
    """A binary cross-entropy on numbers up to 255 that nothing divides."""
    for site in source.models.losses():
        target = site.argument(1, "target")
        if site.kind not in ("bce", "bce_logits") or target is None:
            continue
        at: ast.expr | None = target
        way: list[str] = []
        while at is not None and len(way) < 12:
            way.append(ast.unparse(at))
            at = source.bindings.value(at) or _inside(source, at)
        divided = any("/" in text for text in way)
        changed = any(re.search(r"[<>]|==|\bbool\b|clip|clamp|ToTensor|transform", text) for text in way)
        filled = "uint8" in " ".join(way) or any(_is_filled(source, text) for text in way)
        if not divided and (re.search(r"\* ?255\b", " ".join(way)) or (filled and not changed)):
            yield site.call.lineno, f"the target is {way[-1][:50]}, with numbers up to 255"


def _inside(source: Source, node: ast.expr) -> ast.expr | None:
    """What is handed on by a change of type or shape."""
    if isinstance(node, ast.Call) and called(node) in (*HANDED, "unsqueeze", "squeeze", "permute", "view", "reshape"):
        return handed(source, node)
    return node.value if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant) else None


def _is_filled(source: Source, name: str) -> bool:
    """`name[...] = 255` stands in the program."""
    return any(
        isinstance(n, ast.Assign)
        and isinstance(n.targets[0], ast.Subscript)
        and ast.unparse(n.targets[0].value) == name
        and isinstance(n.value, ast.Constant)
        and n.value.value == 255
        for n in source.nodes
    )


def fixed_number(source: Source) -> Found:
    """backward of a tensor of plain numbers."""
    for s in source.flow.of("backward"):
        values = source.names.bound.get(s.name, [])
        if len(values) == 1 and re.fullmatch(
            r"torch\.(tensor|Tensor|FloatTensor)\([\[\]\d., ]+\)", ast.unparse(values[0])
        ):
            yield s.line, f"{s.name} = {ast.unparse(values[0])} is a constant"


def one_column(source: Source) -> Found:
    """argmax over the only column of an output."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and called(node) in ("argmax", "max"):
            first = (
                node.args[0]
                if source.names.dotted(node.func).startswith("torch.") and node.args
                else getattr(node.func, "value", None)
            )
            rest = [ast.unparse(a) for a in node.args] + [f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords]
            if first is None or not any(r in ("1", "dim=1", "-1", "dim=-1", "axis=1") for r in rest):
                continue
            if isinstance(first, ast.Attribute) and first.attr == "data":
                first = first.value
            last = last_linear_of(source, first)
            if (
                last is not None
                and len(last.args) > 1
                and ast.unparse(last.args[1]) == "1"
                and not _is_reshaped(source, first)
            ):
                yield node.lineno, f"{ast.unparse(node)[:40]} is taken over the one column of {ast.unparse(last)}"


def horizon_missed(source: Source) -> Found:
    """T_max and the number of turns of the loop that steps the schedule, both plain numbers."""
    for name, values in source.names.bound.items():
        made = values[0] if len(values) == 1 and isinstance(values[0], ast.Call) else None
        if made is None or called(made) != "CosineAnnealingLR":
            continue
        given = next((k.value for k in made.keywords if k.arg == "T_max"), made.args[1] if len(made.args) > 1 else None)
        horizon = number_of(source, given) if given is not None else None
        for s in source.flow.of("schedule"):
            if s.name == name and len(s.loops) == 1 and s.sure and horizon:
                count = count_of(source, s.loops[0])
                if count is not None and count[1] and count[1] < 0.5 * horizon and count[1] >= 4:
                    yield s.line, f"T_max={horizon:g} and {count[1]:g} calls of step()"


def sorted_without_shuffle(source: Source) -> Found:
    """Labels in blocks, a loader without shuffling, and training on it."""
    for node in source.nodes:
        if not isinstance(node, ast.For):
            continue
        over = (
            node.iter.args[0]
            if isinstance(node.iter, ast.Call) and called(node.iter) in ("enumerate", "tqdm") and node.iter.args
            else node.iter
        )
        made = source.names.value_of(over)
        if not (isinstance(made, ast.Call) and called(made) == "DataLoader" and made.args) or re.search(
            r"shuffle\s*=\s*True|sampler", ast.unparse(made)
        ):
            continue
        if not any(isinstance(n, ast.Call) and called(n) == "backward" for n in ast.walk(node)):
            continue
        data = source.names.value_of(made.args[0])
        labels = (
            origin(source, data.args[-1])
            if isinstance(data, ast.Call) and called(data) == "TensorDataset" and data.args
            else None
        )
        blocks = labels is not None and re.search(
            r"repeat_interleave|np\.repeat|torch\.cat\(.*(zeros|ones|full)", ast.unparse(labels)
        )
        given = data.args[-1] if isinstance(data, ast.Call) and data.args else None
        if (blocks or _is_sorted(source, given)) and not source.mentions("randperm|permutation|shuffle\\("):
            yield made.lineno, f"{ast.unparse(made)[:50]} goes through labels in order, class after class"


def _is_sorted(source: Source, node: ast.expr | None) -> bool:
    """y[y.argsort()], or the values of a sort."""
    at = node
    for _ in range(8):
        if isinstance(at, ast.Subscript):
            index = source.bindings.made(at.slice) if isinstance(at.slice, ast.Name) else at.slice
            if isinstance(index, ast.Call) and called(index) == "argsort":
                return True
        if isinstance(at, ast.Call) and called(at) in ("sort", "sorted"):
            return True
        before = source.bindings.value(at) if at is not None else None
        if before is None:
            break
        at = before
    return False

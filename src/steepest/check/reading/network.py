"""Mistakes of the model and of its loss that their text shows: each function yields (line, evidence), and nothing where it is not sure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import called, spelled
from .shapes import axes

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]


def squashed_twice(source: Source) -> Found:
    for site in source.models.losses():
        end = source.models.ending(site.argument(0, "input"))
        if (site.kind, end) in (
            ("cross_entropy", "softmax"),
            ("cross_entropy", "sigmoid"),
            ("bce_logits", "sigmoid"),
            ("bce_logits", "softmax"),
        ):
            yield site.call.lineno, f"the input of {called(site.made or site.call)} is the result of {end}"


def no_log_softmax(source: Source) -> Found:
    for site in source.models.losses():
        end = source.models.ending(site.argument(0, "input"))
        if site.kind == "nll" and end in ("softmax", "linear", "sigmoid", "relu"):
            yield site.call.lineno, f"the input of {called(site.made or site.call)} is the result of {end}"


def one_unit(source: Source) -> Found:
    for site in source.models.losses():
        module = module_of(source, site.argument(0, "input"))
        last = _last_linear(source, module) if module is not None else None
        if (
            site.kind in ("cross_entropy", "nll")
            and last is not None
            and len(last.args) > 1
            and ast.unparse(last.args[1]) == "1"
        ):
            yield site.call.lineno, f"the model ends with {ast.unparse(last)}: one class, so the loss is constant"


def softmax_over_one(source: Source) -> Found:
    """Linear(n, 1) and a softmax right after it."""
    for call in source.calls("Sequential"):
        for first, second in zip(call.args, call.args[1:]):
            if (
                isinstance(first, ast.Call)
                and called(first) == "Linear"
                and len(first.args) > 1
                and spelled(first.args[1]) == "1"
            ):
                if isinstance(second, ast.Call) and called(second) in ("Softmax", "LogSoftmax"):
                    yield second.lineno, f"{spelled(second)} of the one number that {spelled(first)} gives"


def module_of(source: Source, output: ast.expr | None) -> ast.Call | None:
    """The construction of the model whose output an expression is."""
    if isinstance(output, ast.Name):
        output = source.models.last_value(output.id, output)
    if not isinstance(output, ast.Call):
        return None
    return source.models.built(output.func)


def _last_linear(source: Source, made: ast.Call) -> ast.Call | None:
    if called(made) == "Linear":
        return made
    if called(made) == "Sequential" and made.args and isinstance(made.args[-1], ast.Call):
        return _last_linear(source, made.args[-1])
    cls = source.names.classes.get(called(made))
    forward = (
        next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "forward"), None) if cls else None
    )
    returns = [n for n in ast.walk(forward) if isinstance(n, ast.Return)] if forward else []
    if len(returns) != 1 or returns[0].value is None:
        return None
    value = returns[0].value
    if isinstance(value, ast.Name):
        found = source.models.last_value(value.id, value)
        value = found if found is not None else value
    if isinstance(value, ast.Call):
        inner = source.models.built(value.func)
        return _last_linear(source, inner) if inner is not None and inner is not made else None
    return None


def last_linear_of(source: Source, output: ast.expr) -> ast.Call | None:
    """The nn.Linear that made an output, when the model surely ends with one."""
    module = module_of(source, output)
    return _last_linear(source, module) if module is not None else None


def over_the_batch(source: Source) -> Found:
    """softmax(dim=0) on the way to a loss of classes."""
    sites = list(source.models.losses())
    if not any(s.kind in ("nll", "cross_entropy", "kl") for s in sites):
        return
    for forward in source.names.forwards():
        for node in (
            n
            for r in ast.walk(forward)
            if isinstance(r, ast.Return) and r.value is not None
            for n in [_value(source, r.value)]
        ):
            if isinstance(node, ast.Call) and called(node) in ("softmax", "log_softmax") and _axis(node) == 0:
                yield node.lineno, f"{spelled(node)[:60]} at the end of forward works over axis 0, the batch"
    given = {called(s.call.args[0]) for s in sites if s.call.args and isinstance(s.call.args[0], ast.Call)}
    for name, function in source.names.functions.items():
        for r in ast.walk(function):
            if (
                name in given
                and isinstance(r, ast.Return)
                and isinstance(r.value, ast.Call)
                and called(r.value) in ("softmax", "log_softmax")
                and _axis(r.value) == 0
            ):
                yield r.lineno, f"{spelled(r.value)[:60]} at the end of {name} works over axis 0, the batch"
    for each in source.nodes:
        if (
            isinstance(each, ast.Call)
            and called(each) in ("softmax", "log_softmax")
            and _axis(each) == 0
            and any(s.call.args and _value(source, s.call.args[0]) is each for s in sites)
        ):
            yield each.lineno, f"{spelled(each)[:60]} on the way to the loss works over axis 0, the batch"
    for call in source.calls("Sequential"):
        last = call.args[-1] if call.args else None
        if isinstance(last, ast.Call) and called(last) in ("Softmax", "LogSoftmax") and _axis(last, 0) == 0:
            yield last.lineno, f"{spelled(last)} at the end of the model works over axis 0, the batch"


def _value(source: Source, node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Name):
        return source.models.last_value(node.id, node) or node
    return node


def _axis(call: ast.Call, position: int = 1) -> object:
    given = next((k.value for k in call.keywords if k.arg == "dim"), None)
    if given is None and len(call.args) > position:
        given = call.args[position]
    if (
        given is None
        and isinstance(call.func, ast.Attribute)
        and len(call.args) == 1
        and position == 1
        and not spelled(call.func).startswith(("F.", "torch."))
    ):
        given = call.args[0]
    return given.value if isinstance(given, ast.Constant) else None


def no_probabilities(source: Source) -> Found:
    for site in source.models.losses():
        end = source.models.ending(site.argument(0, "input"))
        if site.kind == "bce" and end in ("linear", "relu", "tanh", "log_softmax", "leaky_relu"):
            yield site.call.lineno, f"the input of {called(site.made or site.call)} is the result of {end}"


def no_logarithms(source: Source) -> Found:
    for site in source.models.losses():
        end = source.models.ending(site.argument(0, "input"))
        if site.kind == "kl" and end == "log_softmax" and source.models.ending(site.argument(1, "target")) == "softmax":
            if _under_no_grad(source, site.argument(0, "input")) and not _under_no_grad(
                source, site.argument(1, "target")
            ):
                yield (
                    site.call.lineno,
                    "the input was computed under no_grad and the target is what is trained: they are swapped",
                )
        if site.kind == "kl" and end in ("softmax", "sigmoid", "linear"):
            yield (
                site.call.lineno,
                f"the input of {called(site.made or site.call)} is the result of {end}, not of log_softmax",
            )


def _under_no_grad(source: Source, node: ast.expr | None) -> bool:
    """What a value was made of stands under no_grad."""
    made = source.bindings.made(node)
    return made is not None and any(
        isinstance(w, ast.With)
        and "no_grad" in " ".join(ast.unparse(i) for i in w.items)
        and w.lineno <= made.lineno <= (w.end_lineno or 0)
        for w in source.nodes
    )


def cut_logits(source: Source) -> Found:
    for site in source.models.losses():
        end = source.models.ending(site.argument(0, "input"))
        if site.kind in ("cross_entropy", "bce_logits") and end in ("relu", "tanh", "softplus"):
            yield site.call.lineno, f"{called(site.made or site.call)} expects logits and gets the result of {end}"


def sign_turned(source: Source) -> Found:
    """loss = -criterion(...), and backward of it; torch's losses are made to be minimised."""
    roots = {s.name for s in source.flow.of("backward")}
    if source.mentions(r"adversar|attack|ascent|fgsm|pgd|maximi|reverse|unlearn|\bD\(|discrim|domain"):
        return
    for node in source.nodes:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.UnaryOp)
            and isinstance(node.value.op, ast.USub)
            and ast.unparse(node.targets[0]) in roots
        ):
            inner = node.value.operand
            if any(site.call is inner for site in source.models.losses()):
                yield node.lineno, f"{spelled(node)[:60]}: the sign of a loss that is made to be minimised is turned"


def one_weight(source: Source) -> Found:
    for site in source.models.losses():
        weight = site.option("weight")
        if site.kind in ("bce", "bce_logits") and weight is not None and site.option("pos_weight") is None:
            value = source.names.value_of(weight)
            if axes(source, weight) == 0 or re.fullmatch(
                r"torch\.(tensor|FloatTensor|Tensor)\(\[?\s*[\d.]+\s*\]?\)(\.\w+\(.*\))?", spelled(value)
            ):
                yield site.call.lineno, f"weight={spelled(value)} multiplies all terms alike"


def std_for_variance(source: Source) -> Found:
    """GaussianNLLLoss(mean, target, std): its third argument is the variance."""
    for site in source.models.losses():
        given = site.argument(2, "var")
        if site.kind == "gaussian" and given is not None and re.search(r"(std|sigma)$", spelled(given)):
            yield site.call.lineno, f"the third argument is the variance, and {spelled(given)} is given"


def rates_and_logarithms(source: Source) -> Found:
    """PoissonNLLLoss(log_input=False) of a raw output, or log_input=True of a rate."""
    for site in source.models.losses():
        if site.kind != "poisson":
            continue
        end, given = source.models.ending(site.argument(0, "input")), site.option("log_input")
        raw = given is not None and spelled(given) == "False"
        if raw and end in ("linear", "tanh"):
            yield site.call.lineno, f"log_input=False needs a rate >= 0 and gets the result of {end}"
        elif not raw and end in ("exp", "softplus", "relu"):
            yield site.call.lineno, f"the result of {end} is already a rate, and log_input=True takes exp of it"


def log_of_softmax(source: Source) -> Found:
    for call in source.calls("log"):
        inner = call.args[0] if call.args else call.func.value if isinstance(call.func, ast.Attribute) else None
        if (
            inner is not None
            and isinstance(inner, (ast.Call, ast.Name))
            and source.models.ending(inner) in ("softmax", "sigmoid")
        ):
            if (
                "eps" not in spelled(inner)
                and not source.mentions(r"Categorical|log_prob|(?<!cross_)entropy")
                and source.flow.of("backward")
            ):
                yield call.lineno, f"{spelled(call)[:60]}: the logarithm of the result of {source.models.ending(inner)}"


def half_of_logits(source: Source) -> Found:
    """> 0.5 or round on the raw output of a model that is trained with logits."""
    kinds = {s.kind for s in source.models.losses()}
    if kinds - {"bce_logits"} or not kinds:
        return
    for node in source.nodes:
        if (
            isinstance(node, ast.Compare)
            and len(node.ops) == 1
            and isinstance(node.ops[0], (ast.Gt, ast.GtE))
            and ast.unparse(node.comparators[0]) == "0.5"
        ):
            if _is_raw(source, node.left):
                yield node.lineno, f"{spelled(node)} is asked of logits"
        elif isinstance(node, ast.Call) and called(node) == "round":
            first = node.args[0] if node.args else node.func.value if isinstance(node.func, ast.Attribute) else None
            if first is not None and _is_raw(source, first):
                yield node.lineno, f"{spelled(node)} is asked of logits"


def _is_raw(source: Source, node: ast.expr) -> bool:
    """Surely the output of a module of the program that ends with a linear layer."""
    return source.models.ending(node) == "linear"

"""Parameters and optimizers as the text shows them: modules that no optimizer holds, weights that all start equal."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import called, stored

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]


def forgotten_module(source: Source) -> Found:
    """Two modules in one training step, and only the parameters of one of them in any optimizer."""
    loops = source.flow.training_loops()
    if len(loops) != 1 or source.mentions(
        r"requires_grad|\.detach\(|pretrained|weights\s*=|load_state_dict|named_parameters|add_param_group|frozen|freeze"
    ):
        return
    loop = loops[0][0]
    modules = {
        n
        for n, values in source.names.bound.items()
        if n.isidentifier()
        and len(values) == 1
        and source.names.is_module(ast.Name(n, ast.Load()))
        and _has_weights(source, values[0])
    }
    frozen = {
        id(n) for w in ast.walk(loop) if isinstance(w, ast.With) and "no_grad" in ast.unparse(w) for n in ast.walk(w)
    }
    used = {
        n.func.id
        for n in ast.walk(loop)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and id(n) not in frozen
    } & modules
    built = [
        c
        for c in source.nodes
        if isinstance(c, ast.Call)
        and source.names.dotted(c.func).startswith("torch.optim.")
        and "lr_scheduler" not in source.names.dotted(c.func)
    ]
    given = " ".join(ast.unparse(c) for c in built)
    owned = {n for n in used if re.search(rf"\b{n}\b", given)}
    other = [ast.unparse(c.args[0]) for c in built if c.args and ".parameters()" not in ast.unparse(c.args[0])]
    if owned and not other and len(used) >= 2:
        for name in sorted(used - owned):
            if not any(re.search(rf"\b{name}\b", ast.unparse(source.names.bound[o][0])) for o in owned):
                yield (
                    built[-1].lineno,
                    f"{name} is used in the loop that trains, and no optimizer is given its parameters",
                )


def forgotten_attribute(source: Source) -> Found:
    """The same in a class: self.a and self.b are called in the method that trains, the optimizer is given self.a alone."""
    if source.mentions(r"requires_grad|\.detach\(|pretrained|load_state_dict|add_param_group|frozen|freeze"):
        return
    for name, cls in source.names.classes.items():
        attributes = source.bindings.attributes.get(name, {})
        built = [
            v for values in attributes.values() for v in values if isinstance(v, ast.Call) and _is_optimizer(source, v)
        ]
        if source.names.is_module_class(name) or not built:
            continue
        modules = {
            f"self.{a}": v[0]
            for a, v in attributes.items()
            if len(v) == 1 and source.names.is_module(v[0]) and _has_weights(source, v[0])
        }
        given = " ".join(ast.unparse(c) for c in built)
        owned = {m for m in modules if re.search(rf"{re.escape(m)}\b", given)}
        for method in (f for f in cls.body if isinstance(f, ast.FunctionDef)):
            calls = [n for n in ast.walk(method) if isinstance(n, ast.Call)]
            if not owned or not any(called(c) == "backward" for c in calls) or "no_grad" in ast.unparse(method):
                continue
            used = {ast.unparse(c.func) for c in calls} & set(modules)
            for lost in sorted(used - owned):
                if used & owned and "parameters()" in given:
                    yield built[-1].lineno, f"{lost} is used in {method.name}, and no optimizer is given its parameters"


def _is_optimizer(source: Source, call: ast.Call) -> bool:
    dotted = source.names.dotted(call.func)
    return dotted.startswith("torch.optim.") and "lr_scheduler" not in dotted


def _has_weights(source: Source, value: ast.expr) -> bool:
    text = ast.unparse(value)
    return bool(re.search(r"\b(Linear|Conv\dd|ConvTranspose\dd|LSTM|GRU|Embedding|RNN)\(", text)) or any(
        re.search(rf"\b{name}\(", text) and re.search(r"Linear|Conv|LSTM|GRU|Embedding|Parameter", ast.unparse(cls))
        for name, cls in source.names.classes.items()
    )


def equal_start(source: Source) -> Found:
    """All weights of several layers set to one number."""
    if source.mentions(r"resid|lora|x \+ self|return x \+|zero_conv|adaln"):
        return
    for loop in source.nodes:
        if isinstance(loop, ast.For):
            scope: ast.AST = loop
        elif isinstance(loop, ast.FunctionDef) and source.mentions(rf"\.apply\({loop.name}\)"):
            scope = loop
        else:
            continue
        for call in (n for n in ast.walk(scope) if isinstance(n, ast.Call)):
            target = ast.unparse(call.args[0]) if call.args else ast.unparse(getattr(call.func, "value", call))
            whole = (
                isinstance(loop, ast.For)
                and "parameters()" in ast.unparse(loop.iter)
                and target.split(".")[0] in stored(loop.target)
            )
            filled = called(call) in ("constant_", "zeros_", "ones_") or (
                called(call) in ("fill_", "zero_") and not target.endswith("grad")
            )
            if (
                filled
                and "grad" not in target
                and (re.search(r"\.weight(\.data)?$", target) or whole)
                and not re.search(r"Norm|dim\(\)|ndim|bias", ast.unparse(scope).split(ast.unparse(call))[0][-120:])
            ):
                yield call.lineno, f"{ast.unparse(call)[:60]} for every layer"

"""Keras models as the text shows them: does the last layer give what the loss expects?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import called

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]
CATEGORICAL, BINARY = (
    re.compile(r"categorical_?crossentropy", re.IGNORECASE),
    re.compile(r"binary_?crossentropy", re.IGNORECASE),
)


def _compiled(source: Source) -> Iterator[tuple[ast.Call, ast.Call, str, bool]]:
    """(compile, last layer, name of the loss, whether it expects logits) of every model whose last layer is sure."""
    for call in source.calls("compile"):
        given = next((k.value for k in call.keywords if k.arg == "loss"), None)
        made = source.bindings.made(given) if given is not None else None
        owner = source.bindings.built(call.func.value) if isinstance(call.func, ast.Attribute) else None
        last = _last_layer(source, owner) if owner is not None else None
        if made is None or last is None:
            continue
        if isinstance(made, ast.Constant):
            yield call, last, str(made.value), False
        elif isinstance(made, ast.Call):
            logits = any(k.arg == "from_logits" and ast.unparse(k.value) == "True" for k in made.keywords)
            yield call, last, called(made), logits


def _last_layer(source: Source, model: ast.Call) -> ast.Call | None:
    """The last layer of Sequential([...]), of Sequential() with add, or of Model(inputs, outputs)."""
    last: ast.expr | None = None
    if called(model) == "Sequential":
        added = [
            c
            for c in source.calls("add")
            if c.args and isinstance(c.func, ast.Attribute) and source.bindings.built(c.func.value) is model
        ]
        whole = source.bindings.made(model.args[0]) if model.args else None
        last = added[-1].args[0] if added else whole.elts[-1] if isinstance(whole, ast.List) and whole.elts else None
    elif called(model) == "Model":
        out = next(
            (k.value for k in model.keywords if k.arg == "outputs"), model.args[1] if len(model.args) > 1 else None
        )
        made = source.bindings.made(out) if out is not None else None
        last = made.func if isinstance(made, ast.Call) else None
    last = source.bindings.made(last) if last is not None else None
    return last if isinstance(last, ast.Call) and called(last) in ("Dense", "Activation", "Softmax") else None


def _activation(source: Source, layer: ast.Call) -> str:
    if called(layer) == "Softmax":
        return "softmax"
    position = 0 if called(layer) == "Activation" else 1
    given = next(
        (k.value for k in layer.keywords if k.arg == "activation"),
        layer.args[position] if len(layer.args) > position else None,
    )
    made = source.bindings.made(given) if given is not None else ast.Constant("linear")
    return (
        str(made.value)
        if isinstance(made, ast.Constant)
        else ast.unparse(made).rpartition(".")[2]
        if made is not None
        else ""
    )


def keras_squashed_twice(source: Source) -> Found:
    for call, last, loss, logits in _compiled(source):
        end = _activation(source, last)
        if logits and end in ("softmax", "sigmoid") and (CATEGORICAL.search(loss) or BINARY.search(loss)):
            yield call.lineno, f"{loss}(from_logits=True) of a model that ends with {end}"


def keras_raw_classes(source: Source) -> Found:
    for call, last, loss, logits in _compiled(source):
        if not logits and CATEGORICAL.search(loss) and _activation(source, last) in ("linear", "relu", "tanh", "None"):
            yield call.lineno, f"{loss} expects probabilities, and the model ends with {ast.unparse(last)[:50]}"


def keras_raw_binary(source: Source) -> Found:
    for call, last, loss, logits in _compiled(source):
        if not logits and BINARY.search(loss) and _activation(source, last) in ("linear", "relu", "tanh", "None"):
            yield call.lineno, f"{loss} expects probabilities, and the model ends with {ast.unparse(last)[:50]}"


def keras_one_unit(source: Source) -> Found:
    for call, last, _, _ in _compiled(source):
        units = ast.unparse(last.args[0]) if last.args else ""
        if called(last) == "Dense" and units == "1" and _activation(source, last) == "softmax":
            yield call.lineno, f"{ast.unparse(last)[:50]}: a softmax over one unit is always 1"

"""The model of a study as lines of a script: layers of torch written out, a user's class or function by its source."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from steepest.core.errors import Unsupported
from steepest.models.facts import Facts
from steepest.models.resolve import Factory

from ..task import Task
from .bundle import Bundle

AGAIN = "_parts_to_reset"


def build(factory: Factory, task: Task, bundle: Bundle) -> str:
    """`build(seed)`."""
    if inspect.isfunction(factory.make) and factory.make.__qualname__.startswith("fresh_copies."):
        lines = _anew(layers(task.build(0)), bundle)
    elif factory.is_own:
        lines = [f"return {layers(task.build(0))}"]
    else:
        facts = Facts.of(task.data)
        asked = {n: getattr(facts, n) for n in (*factory.wants, *factory.optional) if getattr(facts, n) is not None}
        words = ", ".join(f"{n}={v!r}" for n, v in {**asked, **factory.options}.items())
        lines = [f"return {bundle.add(factory.make)}({words})"]
    if any(".nn." in line or " nn." in line or "(nn." in line for line in lines):
        bundle.imports["from torch import nn"] = None
    return (
        'def build(seed):\n    """The model, initialised as the study\'s was with this seed."""\n'
        '    start_streams("init", STUDY_SEED, seed)\n' + "".join(f"    {line}\n" for line in lines)
    )


def _anew(layers: str, bundle: Bundle) -> list[str]:
    """Built and then reset by its own parts, as copies of a given module are."""
    name = bundle.add_name("steepest.models.instance", AGAIN)
    reset = bundle.add_name("steepest.models.instance", "_reset_of")
    return [f"model = {layers}", 'start_streams("init", STUDY_SEED, seed)'] + [
        f"for _, part in {name}(model):",
        f"    {reset}(part)()",
        "return model",
    ]


def layers(module: nn.Module, indent: str = "    ") -> str:
    """The call that makes a layer of torch, or a sequence of such."""
    if type(module) is nn.Sequential:
        inside = "".join(f"{indent}    {layers(part, indent + '    ')},\n" for part in module)
        return f"nn.Sequential(\n{inside}{indent})"
    kind = type(module)
    if kind.__module__.startswith("torch.nn.modules.") and not any(True for _ in module.children()):
        return f"nn.{kind.__name__}({_arguments(module)})"
    raise Unsupported(
        where=kind.__name__,
        seen="the model was given as an object of this class, whose arguments nobody knows",
        needed="a class, a function or a sequence of torch's layers was needed",
        repair="Compare with the class or with a function that builds the model: compare(Net, ...).",
    )


def _arguments(layer: nn.Module) -> str:
    shown = []
    for name, parameter in inspect.signature(type(layer).__init__).parameters.items():
        if name in ("self", "device", "dtype") or parameter.kind is parameter.VAR_KEYWORD:
            continue
        value = getattr(layer, name, parameter.default)
        value = value is not None if name == "bias" else value
        if value is parameter.empty or parameter.kind is parameter.VAR_POSITIONAL:
            raise Unsupported(
                where=type(layer).__name__,
                seen=f"its argument {name} is not to be read from the layer",
                needed="a layer whose arguments it remembers was needed",
                repair="Compare with a function that builds the model.",
            )
        if _same(value, parameter.default):
            continue
        shown.append(repr(value) if parameter.default is parameter.empty else f"{name}={value!r}")
    return ", ".join(shown)


def _same(value: Any, default: Any) -> bool:
    """(1, 1) says what 1 says."""
    return bool(value == default or (isinstance(value, tuple) and set(value) == {default}))

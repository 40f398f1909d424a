"""An unmodified nn.Module read as a program over stacked layer forms, or the reason why it cannot be."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from .stacked_functions import FUNCTIONS, METHOD_FORMS
from .stacked_layers import FORMS, Run
from .stacked_sequences import FORMS as SEQUENCES

NEWLINE = "\n"


class NotStackable(Exception):
    """What has no stacked form, in words."""


@dataclass(frozen=True)
class Instruction:
    """call(run, *args, **options) -> the value of `slot`; fx nodes in args stand for values of earlier slots."""

    slot: str
    call: Callable[..., Any]
    args: tuple[Any, ...]
    options: Mapping[str, Any]
    dead: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """A forward pass of K models: `program(run, x)` with x (K, N, *)."""

    instructions: tuple[Instruction, ...]
    input: str
    output: str

    def __call__(self, run: Run, x: Tensor) -> Tensor:
        values: dict[str, Any] = {self.input: x}
        for step in self.instructions:
            args = [_filled(a, values) for a in step.args]
            options = {name: _filled(a, values) for name, a in step.options.items()} if step.options else step.options
            values[step.slot] = step.call(run, *args, **options)
            for name in step.dead:
                del values[name]
        return values[self.output]


def _filled(argument: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, fx.Node):
        return values[argument.name]
    if isinstance(argument, (tuple, list)):
        return type(argument)(_filled(a, values) for a in argument)
    return argument


def read_program(model: nn.Module, is_training: bool) -> Program:
    """The model's forward as a Program. Raises NotStackable with the reason."""
    own = copy.deepcopy(model).train(is_training)
    _refuse_hooks(own)
    try:
        graph = fx.Tracer().trace(own)
    except Exception as error:
        raise NotStackable(
            f"its forward cannot be read as a fixed sequence of layers ({type(error).__name__}: {first_sentence(error)})"
        ) from error
    names = _canonical_names(own)
    return _program(graph, own, names)


def _program(graph: fx.Graph, model: nn.Module, names: Mapping[int, str]) -> Program:
    last_use = _last_uses(graph)
    instructions, inputs, output = [], [], ""
    for node in graph.nodes:
        if node.op == "placeholder":
            inputs.append(node.name)
        elif node.op == "output":
            if not isinstance(node.args[0], fx.Node):
                raise NotStackable("its forward returns more than one tensor")
            output = node.args[0].name
        else:
            dead = tuple(n for n, user in last_use.items() if user == node.name)
            instructions.append(
                Instruction(
                    node.name,
                    _call_of(node, model, names),
                    () if node.op == "get_attr" else node.args,
                    node.kwargs,
                    dead,
                )
            )
    if len(inputs) != 1:
        raise NotStackable(f"its forward takes {len(inputs)} arguments")
    return Program(tuple(instructions), inputs[0], output)


def _call_of(node: fx.Node, model: nn.Module, names: Mapping[int, str]) -> Callable[..., Any]:
    if node.op == "call_module":
        return _module_form(str(node.target), model.get_submodule(str(node.target)), names)
    if node.op == "get_attr":
        owner, _, leaf = str(node.target).rpartition(".")
        name = names.get(id(getattr(model.get_submodule(owner), leaf)))
        if name is None:
            raise NotStackable(f"{node.target} is a tensor that is neither parameter nor buffer")
        return lambda run: run.tensors[name]
    form = FUNCTIONS.get(node.target) if node.op == "call_function" else METHOD_FORMS.get(str(node.target))
    if form is None:
        word = getattr(node.target, "__name__", str(node.target))
        raise NotStackable(f"{word}() has no stacked form")
    return form


def _module_form(where: str, module: nn.Module, names: Mapping[int, str]) -> Callable[..., Any]:
    make = {**FORMS, **SEQUENCES}.get(type(module))
    own = {n: names[id(t)] for n, t in [*module.named_parameters(), *module.named_buffers()]}
    form = make(module, own) if make is not None else None
    if form is None:
        text = str(module)
        raise NotStackable(f"{where} ({type(module).__name__ if NEWLINE in text else text}) has no stacked form")
    return form


def _canonical_names(model: nn.Module) -> dict[int, str]:
    """A tensor's first name; a tensor shared by two layers has one."""
    return {id(t): name for name, t in [*model.named_buffers(), *model.named_parameters()]}


def _refuse_hooks(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks:
            raise NotStackable(f"{name or 'the model'} has hooks")


def first_sentence(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0].split(". ")[0]


def _last_uses(graph: fx.Graph) -> dict[str, str]:
    """Value -> the node after which nobody reads it; values that the output reads live on."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        for used in node.all_input_nodes:
            found[used.name] = node.name
    return found

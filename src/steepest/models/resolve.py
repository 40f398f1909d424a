"""From what the user calls a model to a function that builds a fresh one for some data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from torch import nn

from steepest.core.calls import parse_call
from steepest.core.errors import ModelError, SteepestError, UnknownName, UsageError, did_you_mean, unknown_name
from steepest.core.item import Item
from steepest.core.objects import Address, find_object, importable, user_code

from .facts import Facts
from .instance import fresh_copies

KNOWN = tuple(f.name for f in fields(Facts))
# What people call these facts elsewhere: for the "did you mean" only, nothing is guessed.
MEANT = {
    "num_classes": "n_classes", "classes": "n_classes", "num_labels": "n_classes",
    "in_features": "n_features", "num_features": "n_features", "input_dim": "n_features", "input_size": "n_features",
    "n_inputs": "n_features", "in_dim": "n_features",
    "out_features": "n_outputs", "output_dim": "n_outputs", "output_size": "n_outputs", "out_dim": "n_outputs",
    "input_shape": "shape", "image_shape": "shape",
}


@dataclass(frozen=True)
class Factory:
    """Builds fresh models: `factory(facts)`. name: what the user called it. wants: the facts that it asks for."""

    name: str
    make: Callable[..., Any]
    wants: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    address: Address | None = None
    is_own: bool = False

    def __call__(self, facts: Facts) -> nn.Module:
        """A fresh model, initialised from torch's global generator."""
        given = self._given(facts)
        needed = "the model must be built without an error"
        with importable(self.address), nullcontext() if self.is_own else user_code(self.name, needed, ModelError):
            built = self.make(**given, **self.options)
        if not isinstance(built, nn.Module):
            raise ModelError(
                where=self.name, seen=f"it gave a {type(built).__name__}", needed="a torch.nn.Module was needed",
                repair="Does the function end in `return model`?" if built is None
                else "Pass an nn.Module class or a function that returns one.",
            )
        if not any(p.requires_grad for p in built.parameters()):
            has = "no parameter is trainable" if any(True for _ in built.parameters()) else "it has no parameters"
            raise ModelError(
                where=self.name, seen=has, needed="something to train was needed",
                repair="Set requires_grad, or assign the layers to self so that the module knows them.",
            )
        return built

    def _given(self, facts: Facts) -> dict[str, Any]:
        if facts.n_classes is None and "n_classes" in self.wants:
            raise ModelError(
                where=self.name, seen="it asks for n_classes and the task is a regression",
                needed="there are no classes",
                repair="Ask for n_outputs instead: the number of classes, or of target columns.",
            )
        given = {name: getattr(facts, name) for name in self.wants}
        return given | {name: getattr(facts, name) for name in self.optional if getattr(facts, name) is not None}


def resolve(spec: Any, catalogue: Any) -> Factory:
    """See `steepest.models.factory_of`; catalogue: where the built-in names are looked up."""
    if isinstance(spec, Factory):
        return spec
    if isinstance(spec, str):
        return _from_text(spec, catalogue)
    if isinstance(spec, Item):
        return _from_callable(spec.name, spec, {}, is_own=True)
    if isinstance(spec, nn.Module):
        return Factory(type(spec).__name__, fresh_copies(spec))
    if callable(spec):
        return _from_callable(_name_of(spec), spec, {})
    raise ModelError(
        where="model", seen=f"an object of class {type(spec).__name__} was given",
        needed="a name, an nn.Module, its class, or a function that returns one was needed",
        repair=f"Built in: {', '.join(catalogue.names())}. Your own: 'file.py:Net'.",
    )


def _from_text(text: str, catalogue: Any) -> Factory:
    head, options = parse_call(text, "model", ModelError)
    address = Address.read(head)
    if address is not None:
        found = find_object(address, ModelError)
        if isinstance(found, nn.Module):
            return Factory(text, fresh_copies(found), address=address)
        if not callable(found):
            raise ModelError(
                where=head, seen=f"{address.attribute} is a {type(found).__name__}",
                needed="an nn.Module class, a function that returns one, or a module was needed",
                repair="Name the class of your model.",
            )
        return _from_callable(text, found, options, address)
    if head in catalogue:
        catalogue[head].check_hyper(options)
        return _from_callable(text, catalogue[head], options, is_own=True)
    if head.endswith(".py"):
        raise ModelError(
            where=head, seen="no name is given in it", needed="file.py:Name was needed",
            repair=f"Write {head}:Net, with the name of your class or function.",
        )
    error = unknown_name("model", head, "model", catalogue.names())
    repair = f"{error.repair} Your own: 'file.py:Net' or 'module:Net'."
    raise UnknownName(where=error.where, seen=error.seen, needed=error.needed, repair=repair)


def _from_callable(
    name: str, make: Callable[..., Any], options: dict[str, Any], address: Address | None = None, is_own: bool = False,
) -> Factory:
    """Which facts the signature asks for; an argument that nobody can fill is refused now, not at the first seed."""
    parameters = _parameters(name, make)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for option in options:
        if option not in parameters and not takes_any:
            raise UsageError(
                where=name, seen=f"there is no argument {option!r}", needed="an argument of the model was needed",
                repair=did_you_mean(option, parameters),
            )
    wants: list[str] = []
    optional: list[str] = []
    unfilled: list[str] = []
    for p in parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) or p.name in options:
            continue
        if p.name in KNOWN and p.kind is not p.POSITIONAL_ONLY:
            (wants if p.default is p.empty else optional).append(p.name)
        elif p.default is p.empty:
            unfilled.append(p.name)
    if unfilled:
        raise _unfilled(name, unfilled)
    return Factory(name, make, tuple(wants), tuple(optional), options, address, is_own)


def _parameters(name: str, make: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(make.fn if isinstance(make, Item) else make).parameters
    except (TypeError, ValueError) as error:
        raise ModelError(
            where=name, seen="its signature cannot be read", needed="a class or function with a signature was needed",
            repair="Wrap it: def build(n_features, n_outputs): return ...",
        ) from error


def _unfilled(name: str, unfilled: list[str]) -> SteepestError:
    meant = [f"{MEANT[u]} for {u}" for u in unfilled if u in MEANT]
    return ModelError(
        where=name, seen="it asks for " + ", ".join(unfilled),
        needed=f"without a default an argument must be one of {', '.join(KNOWN)}",
        repair=f"Did you mean {', '.join(meant)}?" if meant
        else f"Give {unfilled[0]} a default, or wrap it: "
        f"lambda n_features, n_outputs: {name.rpartition(':')[2]}({unfilled[0]}=..., ...)",
    )


def _name_of(make: Callable[..., Any]) -> str:
    inner = make.func if isinstance(make, partial) else make
    return getattr(inner, "__name__", type(inner).__name__)

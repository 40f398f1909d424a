"""What each parameter of a model is for: a matrix that multiplies, an embedding, a norm's weight, a bias, a position.

Weight decay, Muon and muP ask for the role, not for the number of axes: a LayerNorm over two axes has a matrix for a
weight, and a layer scale of shape (1, 1, C) is no vector, though neither multiplies a matrix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from steepest.core.errors import ModelError

Role = Literal["matrix", "embedding", "norm", "bias", "scale", "position", "token", "activation"]
MEANING: dict[Role, str] = {
    "matrix": "multiplies its input",
    "embedding": "its rows are looked up",
    "norm": "belongs to a normalisation",
    "bias": "is added",
    "scale": "multiplies entry by entry",
    "position": "tells positions apart",
    "token": "is an input that is learned",
    "activation": "shapes an activation",
}

MULTIPLIES = (
    nn.Linear,
    nn.Bilinear,
    nn.MultiheadAttention,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.modules.conv._ConvNd,
)
NORMALISES = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.modules.batchnorm._NormBase)
LOOKS_UP = (nn.Embedding, nn.EmbeddingBag)
NORM_CLASS = re.compile(r"norm(act|gated)?(\dd)?$", re.IGNORECASE)
OWN_NAME = re.compile(r"(weight|bias)(_(ih|hh|hr)(_l\d+(_reverse)?)?|_[kv])?|in_proj_(weight|bias)|[qkv]_proj_weight")
"""What torch's layers call their parameters; a subclass's own additions are named otherwise."""

# Parameters that belong to no layer known to us are told by the words of their names, in this order.
WORDS: tuple[tuple[Role, frozenset[str]], ...] = (
    ("position", frozenset("pos position positions positional wpe pe rope rel relative".split())),
    ("bias", frozenset("bias biases beta".split())),
    ("scale", frozenset("scale scales temperature temp tau gamma gain log alpha layerscale".split())),
    ("token", frozenset("cls class token tokens prompt prompts register registers latent latents queries".split())),
    ("embedding", frozenset("embed embedding embeddings emb wte codebook".split())),
)
IS_WEIGHT = frozenset("weight weights kernel proj projection w".split())


@dataclass(frozen=True)
class Owned:
    """A parameter under its first name, and the role that it has.

    is_exempt: the model's own no_weight_decay() names it, or it bears the mark `_no_weight_decay`.
    module: the name of the module that holds it, "" for the model itself.
    inputs_first: its first axis is that of the inputs, as in a transposed convolution; elsewhere that of the outputs.
    """

    name: str
    parameter: nn.Parameter
    role: Role
    is_exempt: bool
    module: str
    inputs_first: bool


def roles(model: nn.Module) -> dict[str, Role]:
    """The role of every parameter, by its name in `model.named_parameters()`.

    A parameter with two owners (an embedding tied to the head) is a matrix if one of them multiplies by it.
    """
    return {owned.name: owned.role for owned in owned_parameters(model)}


def owned_parameters(model: nn.Module) -> list[Owned]:
    """All parameters in the order of `model.named_parameters()`, each once. Raises ModelError for one that hides."""
    _refuse_hidden(model)
    names: dict[int, str] = {id(p): name for name, p in model.named_parameters()}
    found: dict[int, Owned] = {}
    exempt = set(_exempt_names(model))
    for path, module in model.named_modules(remove_duplicate=False):
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            full = f"{path}.{name}" if path else name
            role = _role(model, path, module, name, parameter)
            before = found.get(id(parameter))
            if before is not None and before.role == "matrix":
                role = "matrix"
            is_exempt = full in exempt or getattr(parameter, "_no_weight_decay", False)
            is_exempt = is_exempt or (before is not None and before.is_exempt)
            inputs_first = isinstance(module, nn.modules.conv._ConvTransposeNd)
            found[id(parameter)] = Owned(names[id(parameter)], parameter, role, is_exempt, path, inputs_first)
    return [found[key] for key in names]


# -- one parameter -----------------------------------------------------------------------------------------------------


def _role(model: nn.Module, path: str, module: nn.Module, name: str, parameter: Tensor) -> Role:
    if isinstance(module, ParametrizationList) and name.startswith("original"):
        owner_path, _, tensor = path.rpartition(".parametrizations.")
        if not owner_path and path.startswith("parametrizations."):
            tensor = path.removeprefix("parametrizations.")
        role = _of_layer(model.get_submodule(owner_path), owner_path, tensor, parameter)
        # weight_norm keeps the lengths of the rows as original0 beside their directions
        return "scale" if role == "matrix" and name == "original0" and _is_vector(parameter) else role
    if name.endswith("_g") and hasattr(module, f"{name[:-2]}_v"):  # the older weight_norm
        return "scale"
    return _of_layer(module, path, re.sub("_(v|orig)$", "", name), parameter)


def _of_layer(module: nn.Module, path: str, name: str, parameter: Tensor) -> Role:
    """By the kind of layer where it is known, else by name and shape."""
    is_own = OWN_NAME.fullmatch(name) is not None
    if isinstance(module, LOOKS_UP) and is_own:
        return "position" if _words(path.rpartition(".")[2]) & (WORDS[0][1] | WORDS[1][1]) else "embedding"
    if isinstance(module, MULTIPLIES) and is_own:
        return "bias" if "bias" in name else "matrix"
    if isinstance(module, nn.PReLU) and is_own:
        return "activation"
    if isinstance(module, NORMALISES) or NORM_CLASS.search(type(module).__name__):
        return "norm"
    in_list = isinstance(module, (nn.ParameterList, nn.ParameterDict))
    return _of_raw(f"{path.rpartition('.')[2]}_{name}" if in_list else name, parameter)


def _of_raw(name: str, parameter: Tensor) -> Role:
    """A parameter that a module of the user's own uses in its own way."""
    words = _words(name)
    named: Role | None = next((role for role, known in WORDS if words & known), None)
    if isinstance(parameter, nn.UninitializedParameter):
        return named or "matrix"
    if words & IS_WEIGHT and not _is_vector(parameter) and named not in ("position", "bias"):
        return "matrix"
    if _is_vector(parameter):
        return named if named in ("position", "bias", "token") else "scale"
    if named == "token" and words & WORDS[4][1] and parameter.dim() == 2:
        return "embedding"  # token_embedding (V, C), unlike class_embedding (C) and query_tokens (1, N, C)
    if parameter.shape[0] == 1 and named in (None, "embedding"):
        return "position"  # (1, N, C) is the same for the whole batch
    return named or "matrix"


def _is_vector(parameter: Tensor) -> bool:
    """One number, or one axis that is longer than 1: (C,), (1, 1, C), (C, 1, 1)."""
    if isinstance(parameter, nn.UninitializedParameter):
        return False
    return sum(n > 1 for n in parameter.shape) <= 1


def _words(name: str) -> set[str]:
    """The words of a name: "relPosBias_table" -> rel, pos, bias, table."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


# -- what the model says itself ----------------------------------------------------------------------------------------


def _exempt_names(model: nn.Module) -> Iterator[str]:
    """Full names of what any module's no_weight_decay() names, in its own words or as a module that holds it;
    and of parameters whose names contain one of its no_weight_decay_keywords()."""
    for path, module in model.named_modules():
        said: set[str] = set(_called(module, "no_weight_decay"))
        keywords = set(_called(module, "no_weight_decay_keywords"))
        if said or keywords:
            for name, _ in module.named_parameters(remove_duplicate=False):
                parts = name.split(".")
                is_said = any(".".join(parts[: i + 1]) in said for i in range(len(parts)))
                if is_said or any(word in name for word in keywords):
                    yield f"{path}.{name}" if path else name


def _called(module: nn.Module, name: str) -> Any:
    method = getattr(module, name, None)
    return (method() or ()) if callable(method) else ()


def _refuse_hidden(model: nn.Module) -> None:
    """Parameters in a plain list, which no optimizer would see."""
    known = {id(p) for p in model.parameters()}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_") or not isinstance(value, (list, tuple, dict)):
                continue
            held = list(value.values()) if isinstance(value, dict) else list(value)
            lost = [p for one in held for p in _parameters_in(one) if p.requires_grad and id(p) not in known]
            if lost:
                kind = type(value).__name__
                better = "ParameterList" if isinstance(held[0], Tensor) else "ModuleList"
                raise ModelError(
                    where=f"{path}.{name}" if path else name,
                    seen=f"a plain {kind} holds {len(lost)} parameters that model.parameters() does not give",
                    needed="every trained parameter must be registered in the model",
                    consequence="They would not be trained, nor saved.",
                    repair=f"Make it an nn.{better if kind != 'dict' else better.replace('List', 'Dict')}; "
                    "or requires_grad_(False), if they are meant to stay as they are.",
                )


def _parameters_in(value: object) -> Iterator[Tensor]:
    if isinstance(value, nn.Parameter):
        yield value
    elif isinstance(value, nn.Module):
        yield from value.parameters()


def size_of(parameter: Tensor) -> int | None:
    """Its number of entries; None before a lazy layer has seen its first batch."""
    return None if isinstance(parameter, nn.UninitializedParameter) else torch.numel(parameter)

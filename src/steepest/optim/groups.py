"""Param groups of a model: weight decay only where a matrix multiplies, and learning rates by depth or width if asked.

groups = steepest.groups(model, weight_decay=0.1)
optimizer = steepest.optim.AdamW(groups, lr=1e-3)      # or torch.optim.AdamW
print(groups)                                          # who decays, and why
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from torch import Size, nn

from steepest.core.domains import Flag, Interval, NonNegative, Positive, check_value
from steepest.core.errors import ModelError, UsageError, did_you_mean

from .roles import MEANING, Owned, owned_parameters, size_of


@dataclass(frozen=True)
class Placed:
    """A parameter, the options of its group, and why it has them."""

    owned: Owned
    options: Mapping[str, Any]
    why: str


class Groups(list[dict[str, Any]]):
    """A list of param groups, as every torch optimizer takes it; printed, it says what happens to each parameter."""

    def __init__(self, placed: Sequence[Placed], frozen: Sequence[Owned]) -> None:
        self.placed, self.frozen = tuple(placed), tuple(frozen)
        by_options: dict[str, list[Placed]] = {}
        for one in placed:
            by_options.setdefault(repr(sorted(one.options.items())), []).append(one)
        self.members = tuple(tuple(members) for members in by_options.values())
        super().__init__({"params": [m.owned.parameter for m in group], **group[0].options} for group in self.members)

    def __str__(self) -> str:
        """A block for each group, a line for each kind of parameter: how many, how large, in what role, and why."""
        lines = []
        for number, members in enumerate(self.members):
            said = ", ".join(f"{name} {_short(value)}" for name, value in members[0].options.items())
            lines.append(f"group {number}: {said or 'the options of the optimizer'}; {_counted(members)}")
            lines += _lines((m.owned, m.why) for m in members)
        if self.frozen:
            lines.append(f"in no group, not trained; {_counted(self.frozen)}")
            lines += _lines((owned, "requires_grad is False") for owned in self.frozen)
        return "\n".join(lines)

    def __repr__(self) -> str:
        counted = _counted([m for group in self.members for m in group])
        return f"<{len(self)} param groups, {counted}; print them for a table>"


def groups(
    model: nn.Module,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    lr: float | None = None,
    weight_decay: NonNegative | None = None,
    decay_embeddings: Flag = False,
    layer_decay: Positive = 1.0,
    mup_base: nn.Module | None = None,
    mup_rule: Literal["adam", "sgd"] = "adam",
    muon: bool = False,
) -> Groups:
    """Param groups: weight decay for matrices alone; never for norms, biases, scales, positions, tokens, PReLU.

    overrides: options for parameters whose names match a pattern, {"head.*": {"lr": 1e-2}}; a parameter that two
    patterns match, or a pattern that matches nothing, is an error.
    weight_decay: that of the decaying groups; None leaves it to the optimizer. Embeddings decay when asked; one that is
    tied to the head is a matrix. What the model's own no_weight_decay() names never decays.
    layer_decay: each block's learning rate is this number times that of the block behind it; the head has lr itself
    (Howard & Ruder 2018, arXiv:1801.06146; blocks are the children of nn.ModuleList and nn.Sequential).
    mup_base: the same model, narrower, whose learning rate lr was tuned: rates are scaled by width so that it stays
    right (Yang et al. 2022, arXiv:2203.03466, table 3). The initialisation is left to you, and the output layer's is
    part of it.
    muon: sets the option `orthogonalise` of steepest.optim.Muon, False for embeddings and all that is no matrix.
    layer_decay and mup_base need lr, the rate that they scale.
    """
    where = "groups"
    for name, value, domain in (
        ("weight_decay", weight_decay, Interval(0.0)),
        ("layer_decay", layer_decay, Interval(0.0, open_low=True)),
        ("lr", lr, Interval(0.0)),
    ):
        if value is not None:
            check_value(where, name, value, domain)
    if lr is None and (layer_decay != 1 or mup_base is not None):
        raise UsageError(
            where=where,
            seen=f"{'layer_decay' if layer_decay != 1 else 'mup_base'} without lr",
            needed="the learning rate that is scaled was needed",
            repair="groups(model, lr=1e-3, ...): a group has a rate of its own, which the optimizer's does not reach.",
        )
    _refuse_others(model, mup_base)
    owned = owned_parameters(model)
    asked = _matched(owned, overrides or {})
    depths = _depth_scales(model, owned, float(layer_decay))
    widths = _width_scales(model, mup_base, owned, mup_rule) if mup_base is not None else {}
    placed = []
    for one in owned:
        decays, why = _decays(one, decay_embeddings)
        options: dict[str, Any] = {}
        if not decays:
            options["weight_decay"] = 0.0
        elif weight_decay is not None:
            options["weight_decay"] = weight_decay
        if lr is not None:
            options["lr"] = lr * depths[one.name] * widths.get(one.name, 1.0)
        if muon:
            options["orthogonalise"] = one.role == "matrix"
        options.update(asked.get(one.name, {}))
        placed.append(Placed(one, options, why + (", and overrides" if one.name in asked else "")))
    trained = [p for p in placed if p.owned.parameter.requires_grad]
    return Groups(trained, [p.owned for p in placed if not p.owned.parameter.requires_grad])


def _refuse_others(model: Any, mup_base: Any) -> None:
    """What a parameter is for is told by the modules that hold it, so modules must be given."""
    for what, given in (("", model), ("mup_base: ", mup_base)):
        if isinstance(given, nn.Module) or (what and given is None):
            continue
        is_class = isinstance(given, type) and issubclass(given, nn.Module)
        raise UsageError(
            where="groups",
            seen=f"{what}the class {given.__name__}" if is_class else f"{what}a {type(given).__name__}",
            needed="an nn.Module was needed: its layers say what each parameter is for",
            repair=f"{given.__name__}(...), an instance." if is_class else "groups(model), not model.parameters().",
        )
    if next(model.parameters(), None) is None:
        raise UsageError(
            where="groups",
            seen=f"{type(model).__name__} has no parameter",
            needed="something to train was needed",
            repair="Assign the layers to self, or keep them in an nn.ModuleList, so that the model knows them.",
        )


def _decays(owned: Owned, decay_embeddings: bool) -> tuple[bool, str]:
    """Whether a parameter decays, and why."""
    if owned.is_exempt:
        return False, "the model's no_weight_decay()"
    decays = owned.role == "matrix" or (owned.role == "embedding" and decay_embeddings)
    return decays, MEANING[owned.role]


def _matched(owned: Iterable[Owned], overrides: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The overriding options by parameter; each pattern matches something, and no parameter is matched twice."""
    found: dict[str, Mapping[str, Any]] = {}
    names = [one.name for one in owned]
    for pattern, options in overrides.items():
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise UsageError(
                where="groups",
                seen=f"no parameter is called {pattern!r}",
                needed="a pattern that matches a parameter was needed",
                repair=did_you_mean(pattern, names[:40]),
            )
        twice = next((name for name in matching if name in found), None)
        if twice is not None:
            other = next(p for p in overrides if fnmatchcase(twice, p))
            raise UsageError(
                where="groups",
                seen=f"{twice} matches both {other!r} and {pattern!r}",
                needed="each parameter belongs to one group",
                repair="Make one of the patterns narrower.",
            )
        found.update(dict.fromkeys(matching, options))
    return found


# -- learning rates by depth -------------------------------------------------------------------------------------------


def _depth_scales(model: nn.Module, owned: Sequence[Owned], layer_decay: float) -> dict[str, float]:
    """layer_decay ** (blocks behind it) for each parameter; the head is a block of its own."""
    blocks = _blocks(model)
    if layer_decay != 1 and not blocks:
        raise ModelError(
            where="groups",
            seen="the model has no nn.ModuleList or nn.Sequential with parameters",
            needed="blocks to count were needed for layer_decay",
            repair="Put its blocks into an nn.ModuleList; or give the rates by overrides=.",
        )
    depths, depth = {}, 0
    for one in owned:
        inside = next((i for i, path in enumerate(blocks) if f"{one.module}.".startswith(f"{path}.")), None)
        if inside is not None:
            depth = inside + 1
        elif depth:  # registered behind a block: as deep as the head once the last block is through
            depth = len(blocks) + 1 if depth >= len(blocks) else depth
        depths[one.name] = depth
    last = max(depths.values(), default=0)
    return {name: layer_decay ** (last - depth) for name, depth in depths.items()}


def _blocks(model: nn.Module) -> list[str]:
    """The outermost children of nn.ModuleList and nn.Sequential that hold parameters, in order."""
    found: list[str] = []
    for path, module in model.named_modules():
        is_inside = any(f"{path}.".startswith(f"{block}.") for block in found)
        if isinstance(module, (nn.ModuleList, nn.Sequential)) and not is_inside:
            children = [name for name, child in module.named_children() if any(True for _ in child.parameters())]
            found += [f"{path}.{name}" if path else name for name in children]
    return found


# -- learning rates by width -------------------------------------------------------------------------------------------


def _width_scales(
    model: nn.Module, base: nn.Module, owned: Sequence[Owned], rule: Literal["adam", "sgd"]
) -> dict[str, float]:
    """muP: how the learning rate of each parameter changes from the narrow model to this one."""
    narrow = dict(base.named_parameters())
    if set(narrow) != {one.name for one in owned}:
        odd = sorted(set(narrow) ^ {one.name for one in owned})
        raise ModelError(
            where="groups",
            seen=f"{odd[0]} is a parameter of only one of model and mup_base",
            needed="two models that differ in width alone were needed",
            repair="Make both by the same class, one with a smaller width.",
        )
    scales = {}
    for one in owned:
        wider_in, wider_out = _wider(one, narrow[one.name].shape)
        scales[one.name] = (1.0 if rule == "adam" else wider_out) / wider_in
    return scales


def _wider(owned: Owned, narrow: Size) -> tuple[float, float]:
    """How many times more numbers go into an output than in the narrow model, and how many times more outputs."""
    growth = [wide / small for wide, small in zip(owned.parameter.shape, narrow)] or [1.0]
    if owned.role != "matrix" or len(growth) == 1:  # a vector, or a table of which one row is taken
        return 1.0, growth[-1]
    outputs, inputs = (1, 0) if owned.inputs_first else (0, 1)
    return (growth[0] if inputs == 0 else max(growth[1:])), growth[outputs]


# -- the table ---------------------------------------------------------------------------------------------------------


def _counted(members: Sequence[Placed | Owned]) -> str:
    sizes = [size_of(m.owned.parameter if isinstance(m, Placed) else m.parameter) for m in members]
    unknown = f", {sizes.count(None)} not yet of any size" if None in sizes else ""
    return f"{len(sizes)} tensors, {sum(s or 0 for s in sizes):,} numbers{unknown}"


def _lines(members: Iterable[tuple[Owned, str]]) -> list[str]:
    """One line for parameters whose names differ in numbers only: blocks.*.attn.weight x 12."""
    told = Counter[tuple[str, str, str, str]]()
    for owned, why in members:
        size = size_of(owned.parameter)
        shape = "not yet known" if size is None else " x ".join(map(str, owned.parameter.shape)) or "one number"
        told[re.sub(r"\d+", "*", owned.name), shape, owned.role, why] += 1
    names = {key: key[0] + (f"  x {n}" if n > 1 else "") for key, n in told.items()}
    widths = [max(map(len, column)) for column in zip(*((names[k], k[1], k[2]) for k in told))]
    return [f"  {names[k]:<{widths[0]}}  {k[1]:<{widths[1]}}  {k[2]:<{widths[2]}}  {k[3]}" for k in told]


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

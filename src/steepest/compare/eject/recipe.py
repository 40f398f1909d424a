"""Loss, optimizer and schedule of an arm as lines of a script: torch's where it has them, else the declared body."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from steepest.core.declare import Weighting
from steepest.core.errors import Unsupported
from steepest.core.loss import Loss

from ..learned_factors import constants_of
from ..own_losses import OwnLoss
from ..own_rules import OwnRule
from ..task import Task
from ..trial import Arm, Term
from .bundle import Bundle
from .model import layers

TORCH_OPTIONS = {"label_smoothing", "delta"}
"""Options of losses that mean the same in torch."""
PLAIN = f"{__package__}.plain_optimizer"


def criterion(arm: Arm, task: Task, bundle: Bundle) -> str:
    """`from_labels(labels)` and `criterion(output, target, **what from_labels gave)`."""
    from_labels = _from_labels(arm, task, bundle)
    if len(arm.terms) == 1 and arm.factor == 1:
        return from_labels + _one_loss("criterion", arm, arm.terms[0], bundle)
    losses, calls = "", []
    for number, term in enumerate(arm.terms, 1):
        losses += _one_loss(f"loss_{number}", arm, term, bundle) + "\n\n"
        takes_rows = task.is_classification and not task.has_one_logit and term.loss.target.name != "classes"
        target = f"torch.nn.functional.one_hot(target, {task.output_shape[0]}).float()" if takes_rows else "target"
        words = "".join(f", {name}={name}" for name in _given(arm, term))
        calls.append(f"{term.factor!r} * loss_{number}(output, {target}{words})")
    if arm.learns_factors:
        return losses + _learned_sum(arm, calls)
    every = dict.fromkeys(name for term in arm.terms for name in _given(arm, term))
    head = f"def criterion(output, target{''.join(f', {name}' for name in every)}):\n"
    total = " + ".join(call.removeprefix("1.0 * ") for call in calls)
    return f'{from_labels}{losses}{head}    """The sum that was compared."""\n    return {total}\n'


def _learned_sum(arm: Arm, calls: Sequence[str]) -> str:
    constants = ", ".join(repr(n) for n in constants_of(arm))
    values = ", ".join(call.removeprefix("1.0 * ") for call in calls)
    return (
        "def criterion(output, target, factors):\n"
        '    """The sum whose factors are learned; Kendall, Gal & Cipolla 2018, arXiv:1705.07115."""\n'
        f"    values = torch.stack([{values}])\n"
        f"    return (torch.tensor([{constants}]) * torch.exp(-factors) * values + factors / 2).sum()\n"
    )


def early(arm: Arm) -> str:
    """What the weighting gives while all classes count alike, as an entry of a dictionary."""
    if arm.weighting is None:
        return ""
    name = arm.weighting.gives
    return f'"{name}": torch.{"ones" if name == "class_weight" else "zeros"}_like(given["{name}"])'


def _one_loss(name: str, arm: Arm, term: Term, bundle: Bundle) -> str:
    options = {n: v for n, v in term.options.items() if n != "normalize"}
    normalize = term.options.get("normalize", "weight")
    gives = _given(arm, term)
    head = f'def {name}(output, target{"".join(f", {n}" for n in gives)}):\n    """{_title(arm, term)}"""\n'
    if isinstance(term.loss, OwnLoss):
        return head + f"    return {_users(term.loss, bundle)}(output, target{_words(options)}).mean()\n"
    twin = _torch_loss(term.loss, options) if normalize == "weight" and set(gives) <= {"class_weight"} else ""
    if twin:
        weight = ", weight=class_weight" if gives else ""
        bundle.imports["from torch.nn import functional"] = None
        return head + f"    return functional.{twin}(output, target{_words(options)}{weight})\n"
    return head + _own_loss(term.loss, options, normalize, gives, bundle)


def _users(loss: OwnLoss, bundle: Bundle) -> str:
    """What to call for a loss of the user's own."""
    if inspect.isfunction(loss.own):
        return bundle.add(loss.own)
    if isinstance(loss.own, nn.Module) and type(loss.own).__module__.startswith("torch.nn."):
        bundle.imports["from torch import nn"] = None
        return layers(loss.own)
    raise Unsupported(
        where=loss.name,
        seen="the loss was given as an object, whose arguments nobody knows",
        needed="a function at the top of its file, or a loss of torch.nn, was needed",
        repair="Wrap it: def my_loss(output, target): return ...",
    )


def _given(arm: Arm, term: Term) -> list[str]:
    """What a loss takes that comes from the labels of the training part."""
    asks = "class_counts" in term.loss.hyper and "class_counts" not in term.options
    return [*([arm.weighting.gives] if arm.weighting is not None else []), *(["class_counts"] if asks else [])]


def _title(arm: Arm, term: Term) -> str:
    scheme = f" Weighting: {arm.weighting.name}." if arm.weighting is not None else ""
    return (term.loss.purpose or term.loss.name) + scheme


def _from_labels(arm: Arm, task: Task, bundle: Bundle) -> str:
    if arm.weighting is None and not arm.takes_counts:
        return ""
    lines = [f"    counts = torch.bincount(labels, minlength={int(task.data.n_classes)}).double()\n"]
    given = []
    if arm.weighting is not None:
        lines.append(_weighting(arm.weighting, arm.weighting_hyper, bundle))
        given.append(f'"{arm.weighting.gives}": weights.float()')
    if arm.takes_counts:
        given.append('"class_counts": counts.clamp(min=1).float()')
    return (
        'def from_labels(labels):\n    """What the loss takes from the class counts of the training part."""\n'
        + "".join(lines)
        + f"    return {{{', '.join(given)}}}\n\n\n"
    )


def _weighting(weighting: Weighting, hyper: Mapping[str, Any], bundle: Bundle) -> str:
    text = f"    weights = {bundle.add(weighting)}(counts.clamp(min=1){_words(hyper)})\n"
    if weighting.gives == "class_weight":  # their mean over the training samples is 1
        text += "    weights = weights * counts.sum() / (counts * weights).sum()\n"
    return text


def _torch_loss(loss: Loss, options: Mapping[str, Any]) -> str:
    """The name in torch.nn.functional of a loss that is torch's with these options."""
    names = {"bce_with_logits": "binary_cross_entropy_with_logits", "nll": "nll_loss"}
    names |= {"cross_entropy": "cross_entropy", "huber": "huber_loss", "l1": "l1_loss", "mse": "mse_loss"}
    return names.get(loss.name, "") if set(options) <= TORCH_OPTIONS else ""


def _own_loss(loss: Loss, options: dict[str, Any], normalize: str, gives: list[str], bundle: Bundle) -> str:
    """The declared body, and the mean under the contract: the sum of the weighted values over that of the weights."""
    smoothing = options.pop("label_smoothing", 0.0)
    lines, takes, weight = [], "target", ""
    if "class_offset" in gives:
        lines.append("output = output + class_offset.reshape(-1, *[1] * (output.dim() - 2))")
    if loss.target.name == "classes":
        classes = bundle.add_name("steepest.core.targets", "Classes")
        class_weight = ", class_weight=class_weight" if "class_weight" in gives else ""
        smooth = f", smoothing={smoothing!r}" if smoothing else ""
        takes = f"{classes}(target{class_weight}{smooth})"
        weight = "class_weight[target]" if class_weight else ""
    elif smoothing:
        lines.append(f"target = target + {smoothing!r} * (0.5 - target)")
    called = f"{bundle.add(loss)}(output, {takes}{_words(options)}"
    called += ", class_counts=class_counts)" if "class_counts" in gives else ")"
    if "focus" in gives:
        lines.append("doubt = 1 - output.softmax(1).gather(1, target.unsqueeze(1)).squeeze(1).detach()")
        lines.append(f"values = {called} * doubt**focus")
        weight = "doubt**focus"
    else:
        lines.append(f"values = {called}")
    if normalize == "batch":
        lines.append("return values.sum() / len(output)")
    else:
        lines.append(
            f"return values.sum() / ({weight}).sum()" if weight and normalize == "weight" else "return values.mean()"
        )
    return "".join(f"    {line}\n" for line in lines)


def optimizer(arm: Arm, lr: float, bundle: Bundle) -> str:
    """`make_optimizer(model)`."""
    if isinstance(arm.rule, OwnRule):
        return _users_optimizer(arm, arm.rule, lr, bundle)
    call = "" if arm.transforms else _torch_rule(arm, lr)
    call = call or _own_rule(arm, lr, bundle)
    text = f'def make_optimizer(model):\n    """{arm.rule.purpose}"""\n    return {call}\n'
    if not arm.learns_factors:
        return text
    alone = replace(arm, learns_factors=False, weight_decay=0.0, transforms=())
    beside = optimizer(alone, lr, bundle).replace("make_optimizer(model)", "make_factor_optimizer(factors)")
    return f"{text}\n\n{beside.replace('model.parameters()', '[factors]')}"


def _users_optimizer(arm: Arm, rule: OwnRule, lr: float, bundle: Bundle) -> str:
    if arm.learns_factors:
        raise Unsupported(
            where=rule.name,
            seen="learned factors of a loss that step by an optimizer of your own",
            needed="a rule of the catalogue was needed",
            repair="Train the winner with steepest.fit; its settings are on the page.",
        )
    is_torchs = inspect.isclass(rule.own) and rule.own.__module__.startswith("torch.optim")
    made = f"torch.optim.{rule.own.__name__}" if is_torchs else bundle.add(rule.own)
    decay = {} if arm.weight_decay is None else {"weight_decay": arm.weight_decay}
    call = f"{made}(list(model.parameters()), lr={lr!r}{_words({**arm.rule_hyper, **decay})})"
    return f'def make_optimizer(model):\n    """{rule.purpose}"""\n    return {call}\n'


def _torch_rule(arm: Arm, lr: float) -> str:
    """The call of torch's class, with the options that differ from its defaults; empty where torch has no such rule."""
    rule, settings = arm.rule, {**{n: h.default for n, h in arm.rule.hyper.items()}, **arm.rule_hyper}
    path = (rule.equals or "").rpartition(".")
    if path[0] != "torch.optim" or rule.looks_at != "elementwise" or rule.solo_only:
        return ""
    if any(settings[n] != v for n, v in rule.equals_when.items()):
        return ""
    wanted = {**settings, "weight_decay": arm.decay, **rule.equals_with}
    for name, parts in {"betas": ("beta1", "beta2"), **rule.packs}.items():
        if set(parts) <= wanted.keys():
            wanted[name] = tuple(wanted.pop(part) for part in parts)
    known = inspect.signature(getattr(torch.optim, path[2])).parameters
    wanted.pop("lr", None)
    if any(n not in known and v for n, v in wanted.items()):
        return ""
    shown = {n: v for n, v in wanted.items() if n in known and v != known[n].default}
    return f"torch.optim.{path[2]}(model.parameters(), lr={lr!r}{_words(shown)})"


def _own_rule(arm: Arm, lr: float, bundle: Bundle) -> str:
    rule = arm.rule
    numbers = {n: h.default for n, h in rule.hyper.items() if n != "lr"} | dict(arm.rule_hyper)
    made = bundle.add_name(PLAIN, "ComposedOptimizer" if arm.transforms else "RuleOptimizer")
    words: dict[str, Any] = {"weight_decay": arm.decay, "decay": rule.decay, "numbers": numbers, "states": rule.states}
    words |= {"initial": rule.initial, "scalars": rule.scalar_states}
    words |= {"takes_param": rule.needs_param, "decays_last": rule.looks_at != "elementwise"}
    lines = [f"model.parameters(), {bundle.add(rule)}, lr={lr!r}"]
    lines += [f"{n}={v!r}" for n, v in words.items() if v]
    if rule.state_shapes:
        shapes = ", ".join(f"{n!r}: {bundle.add(fn)}" for n, fn in rule.state_shapes.items())
        lines.append(f"shapes={{{shapes}}}")
    lines += [f"{n}={bundle.add(fn)}" for n, fn in (("totals", rule.totals), ("evaluated", rule.evaluated)) if fn]
    if arm.transforms:
        lines.append(f"around=[{', '.join(_around(use, bundle) for use in arm.transforms)}]")
    return made + "(\n        " + ",\n        ".join(lines) + ",\n    )"


def _around(use: Any, bundle: Bundle) -> str:
    transform = use.transform
    takes = [n for n in ("grad", "param", "t", "lr", "peak_lr", "norm") if n in transform.takes]
    first = transform.fn.__code__.co_varnames[0]
    words: dict[str, Any] = {"takes": tuple(n for n in takes if n != first), "states": transform.states}
    words |= {"initial": transform.initial, "numbers": dict(use.settings), "evaluated": transform.evaluated}
    shown = "".join(f", {n}={v!r}" for n, v in words.items() if v)
    due = f", due={bundle.add(transform.due)}" if transform.due else ""
    made = bundle.add_name(PLAIN, "Around")
    return f"{made}({bundle.add(transform)}, acts_on={transform.acts_on!r}{shown}{due})"


def schedule(arm: Arm, bundle: Bundle) -> str:
    """`multiplier(step, n_steps)` of the learning rate."""
    call = f"{bundle.add(arm.schedule)}(at, end{_words(arm.schedule_hyper)})"
    return (
        "def multiplier(step, n_steps):\n"
        f'    """Of the learning rate, at a step counted from 0: {arm.schedule.name}."""\n'
        "    at, end = (torch.tensor(float(n), dtype=torch.float64) for n in (step, n_steps))\n"
        f"    return float({call})\n"
    )


def reduction(arm: Arm, best: str, bundle: Bundle) -> str:
    """`reduced(scores)`, what the schedule is multiplied by after the scores of these epochs; "" where nothing is."""
    if arm.reduction is None:
        return ""
    words = _words({"best": best, **arm.reduction_hyper})
    return (
        "def reduced(scores):\n"
        f'    """What multiplies the learning rate beside the schedule, after these scores: {arm.reduction.name}."""\n'
        f"    return float({bundle.add(arm.reduction)}(torch.tensor(scores, dtype=torch.float64){words}))\n"
    )


def looks_twice(arm: Arm) -> bool:
    return any(use.transform.acts_on == "point" for use in arm.transforms)


def is_judged_elsewhere(arm: Arm) -> bool:
    return arm.rule.evaluated is not None or any(use.transform.evaluated for use in arm.transforms)


def _words(options: Mapping[str, Any]) -> str:
    return "".join(f", {n}={v!r}" for n, v in options.items())

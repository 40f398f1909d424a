"""The winner as a script: plain PyTorch where we know it, our catalogue for the rest.

Only names and options are read, so a page can be drawn again without the model's code. The tests hold the scripts equal to the catalogue.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from steepest.core.calls import split_sum
from steepest.results.records import ArmRecord, Plan

TORCH_LOSSES = {
    "bce_with_logits": "BCEWithLogitsLoss",
    "cross_entropy": "CrossEntropyLoss",
    "huber": "HuberLoss",
    "l1": "L1Loss",
    "mse": "MSELoss",
    "nll": "NLLLoss",
}
SHARED_OPTIONS = {"delta", "label_smoothing"}  # options of losses that mean the same in torch
WANTS_FLOATS = {"bce_with_logits", "huber", "l1", "mse"}
TORCH_RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "adagrad": ("Adagrad", {}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {"weight_decay": 0.01}),
    "nadamw": ("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.01}),
    "rmsprop": ("RMSprop", {}),
    "sgd": ("SGD", {}),
}
BETAS = {"beta1": 0.9, "beta2": 0.999}

# Bodies of functions where torch has no class; braces are options with these defaults.
WRITTEN_LOSSES: dict[str, tuple[dict[str, Any], str]] = {
    "focal": (
        {"gamma": 2.0},
        (
            "    nats = torch.nn.functional.cross_entropy(output, target, reduction='none')\n"
            "    return ((-torch.expm1(-nats)) ** {gamma!r} * nats).mean()\n"
        ),
    ),
    "square": (
        {"scale": 1.0, "peak": 1.0},
        (
            "    true = torch.nn.functional.one_hot(target, output.shape[1])\n"
            "    return (true * {scale!r} * (output - {peak!r}) ** 2 + (1 - true) * output**2).mean()\n"
        ),
    ),
}
WRITTEN_SCHEDULES: dict[str, tuple[dict[str, Any], str]] = {
    "warmup_cosine": (
        {"warmup": 0.05, "floor": 0.0},
        (
            "    rise = min(1, (step + 1) / max({warmup!r} * n_steps, 1e-9))\n"
            "    progress = max(0, (step / n_steps - {warmup!r}) / (1 - {warmup!r}))\n"
            "    return rise * ({floor!r} + (1 - {floor!r}) * (1 + math.cos(math.pi * progress)) / 2)\n"
        ),
    ),
    "warmup_stable_decay": (
        {"warmup": 0.05, "decay": 0.2, "floor": 0.0},
        (
            "    rise = min(1, (step + 1) / max({warmup!r} * n_steps, 1e-9))\n"
            "    return rise * ({floor!r} + (1 - {floor!r}) * min(1, (1 - step / n_steps) / {decay!r}))\n"
        ),
    ),
}


@dataclass(frozen=True)
class Call:
    """`name(option=value, ...)`, as arms write it."""

    name: str
    options: dict[str, Any]

    def shown(self) -> str:
        return ", ".join(f"{k}={v!r}" for k, v in self.options.items())


STEP = (
    "        optimizer.zero_grad()\n"
    "        criterion(model(x_train[rows]), y_train[rows]).backward()\n"
    "        optimizer.step()\n"
)
STEP_WITH_CLOSURE = (
    "        def closure():\n"
    "            optimizer.zero_grad()\n"
    "            loss = criterion(model(x_train[rows]), y_train[rows])\n"
    "            loss.backward()\n"
    "            return loss\n\n"
    "        optimizer.step(closure)\n"
)
JUDGED = "\noptimizer.eval()  # the model now has the weights at which it was judged\n"


def torch_code(plan: Plan, arm: ArmRecord, lr: float) -> str:
    """Loss, optimizer, schedule and loop of an arm; empty where its texts are no calls of names."""
    first, *transforms = split_sum(arm.optimizer) or [""]
    loss, rule, schedule = _read(arm.loss), _read(first), _read(arm.schedule)
    weighting = _read(arm.weighting)
    if loss is None or rule is None or schedule is None or weighting is None:
        return ""
    takes_counts = arm.takes_counts and "class_counts" not in loss.options
    weighed = arm.weighting_gives if weighting.name != "none" else ""
    parts = [
        _counts(plan) if takes_counts else "",
        _weighed(weighting, weighed, takes_counts) if weighed else "",
        _loss(loss, [*(["class_counts"] if takes_counts else []), *([weighed] if weighed else [])]),
        f"optimizer = {_rule(rule, arm.optimizer_class, lr, ' + '.join(transforms))}\n",
        _schedule(plan, schedule),
    ]
    stepped = "        scheduler.step()\n" if parts[-1] else ""
    return (
        _imports("".join(parts)) + _premise(plan, loss) + "".join(parts) + f"\nfor epoch in range({plan.epochs}):\n"
        f"    for rows in torch.randperm(len(x_train)).split({plan.batch_size}):\n"
        + (STEP_WITH_CLOSURE if transforms else STEP)
        + stepped
        + (JUDGED if transforms or rule.name.startswith("schedule_free") else "")
    )


def _read(text: str) -> Call | None:
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Name):
            return Call(tree.id, {})
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args:
            return Call(tree.func.id, {str(k.arg): ast.literal_eval(k.value) for k in tree.keywords if k.arg})
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass
    return None


def _imports(code: str) -> str:
    ours = [
        name
        for name in ("losses", "optim", "schedules", "weightings")
        if f"{name}." in code.replace("torch.optim.", "")
    ]
    lines = [
        *(["import math"] if "math." in code else []),
        "import torch",
        *([f"from steepest import {', '.join(ours)}"] if ours else []),
    ]
    return "\n".join(lines) + "\n\n"


def _premise(plan: Plan, loss: Call) -> str:
    both = "x_train and y_train" if plan.task == "regression" else "x_train"
    text = f"# model, x_train and y_train are yours; the study gave {both} mean 0 and spread 1 over the training part\n"
    if plan.task == "classification" and loss.name in WANTS_FLOATS:
        text += "# y_train as floats in the shape of the output: one-hot rows, or one column for a single logit\n"
    return text


def _counts(plan: Plan) -> str:
    """As the study counted: of each class at least 1."""
    n_classes = plan.data.get("n_classes")
    length = f", minlength={n_classes}" if isinstance(n_classes, int) else ""
    return f"class_counts = torch.bincount(y_train{length}).clamp(min=1)\n"


def _weighed(weighting: Call, gives: str, has_counts: bool) -> str:
    options = f", {weighting.shown()}" if weighting.options else ""
    counts = "class_counts" if has_counts else "torch.bincount(y_train)"
    return f"{gives} = weightings.{weighting.name}({counts}{options})\n"


def _loss(loss: Call, computed: Sequence[str] = ()) -> str:
    """computed: options whose values the lines before have."""
    given = [*(f"{name}={name}" for name in computed), *([loss.shown()] if loss.options else [])]
    is_plain = set(computed) <= {"class_weight"} and loss.options.keys() <= SHARED_OPTIONS
    if is_plain and loss.name in TORCH_LOSSES:
        in_torch = ", ".join(given).replace("class_weight=", "weight=")
        return f"criterion = torch.nn.{TORCH_LOSSES[loss.name]}({in_torch})\n"
    body = "" if computed else _body(WRITTEN_LOSSES, loss)
    if body:
        return f"\ndef criterion(output, target):\n{body}\n"
    if given:
        return (
            f"\ndef criterion(output, target):\n    return losses.{loss.name}(output, target, {', '.join(given)})\n\n"
        )
    return f"criterion = losses.{loss.name}\n"


def _rule(rule: Call, class_name: str, lr: float, transforms: str = "") -> str:
    options = {k: v for k, v in rule.options.items() if k != "lr"}
    if rule.name in TORCH_RULES and not transforms:
        name, fixed = TORCH_RULES[rule.name]
        name, given = f"torch.optim.{name}", {**fixed, **{k: v for k, v in options.items() if k not in BETAS}}
        if options.keys() & BETAS.keys():
            given["betas"] = tuple({**BETAS, **options}[k] for k in BETAS)
    else:
        name = f"optim.{class_name or ''.join(word.capitalize() for word in rule.name.split('_'))}"
        given = {**options, **({"transforms": transforms} if transforms else {})}
    return f"{name}(model.parameters(), lr={lr:.6g}" + "".join(f", {k}={v!r}" for k, v in given.items()) + ")"


def _schedule(plan: Plan, schedule: Call) -> str:
    """The learning rate's multiplier at `step`, of `n_steps`; nothing for a constant one."""
    if schedule.name == "constant":
        return ""
    options = f", {schedule.shown()}" if schedule.options else ""
    body = (
        _body(WRITTEN_SCHEDULES, schedule) or f"    return float(schedules.{schedule.name}(step, n_steps{options}))\n"
    )
    return (
        f"n_steps = {plan.epochs} * -(-len(x_train) // {plan.batch_size})\n\n"
        f"def multiplier(step):\n{body}\n"
        "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, multiplier)\n"
    )


def _body(written: dict[str, tuple[dict[str, Any], str]], call: Call) -> str:
    """Empty where the item, or one of its options, is not written out here."""
    defaults, body = written.get(call.name, ({}, ""))
    return body.format(**{**defaults, **call.options}) if call.options.keys() <= defaults.keys() else ""

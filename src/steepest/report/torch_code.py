"""The winner as a script: plain PyTorch where torch has the loss and the rule, our catalogue where it has not.

Only names and options are read, so a page can be drawn again without the model's code. The tests run what is written here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from steepest.results.records import ArmRecord, Plan

TORCH_LOSSES = {
    "bce_with_logits": "BCEWithLogitsLoss", "cross_entropy": "CrossEntropyLoss", "huber": "HuberLoss", "l1": "L1Loss", "mse": "MSELoss",
    "nll": "NLLLoss",
}
SHARED_OPTIONS = {"delta", "label_smoothing"}  # options of losses that mean the same in torch
TORCH_RULES = {
    "adagrad": ("Adagrad", {}), "adam": ("Adam", {}), "adamw": ("AdamW", {"weight_decay": 0.01}),
    "nadamw": ("NAdam", {"decoupled_weight_decay": True, "weight_decay": 0.01}), "rmsprop": ("RMSprop", {}), "sgd": ("SGD", {}),
}
BETAS = (("beta1", 0.9), ("beta2", 0.999))


TEMPLATE = """\
import torch
{ours}
# model, x_train and y_train are yours
criterion = {criterion}
optimizer = {optimizer}
{scheduler}for epoch in range({epochs}):
    for rows in torch.randperm(len(x_train)).split({batch_size}):
        optimizer.zero_grad()
        criterion(model(x_train[rows]), y_train[rows]).backward()
        optimizer.step()
{step}"""
SCHEDULER = """\
n_steps = {epochs} * -(-len(x_train) // {batch_size})
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: {multiplier})
"""


@dataclass(frozen=True)
class Call:
    """`name(option=value, ...)`, as arms write it."""

    name: str
    options: dict[str, Any]

    def shown(self) -> str:
        return ", ".join(f"{k}={v!r}" for k, v in self.options.items())


def torch_code(plan: Plan, arm: ArmRecord, lr: float) -> str:
    """Loss, optimizer, schedule and loop of an arm; empty where its texts are no calls of names."""
    loss, rule, schedule = _read(arm.loss), _read(arm.optimizer), _read(arm.schedule)
    if loss is None or rule is None or schedule is None:
        return ""
    criterion, optimizer, multiplier = _loss(loss), _rule(rule, lr), _multiplier(schedule)
    ours = [name for name, code in (("losses", criterion), ("optim", optimizer), ("schedules", multiplier)) if f"{name}." in code.replace("torch.optim.", "")]
    size = {"epochs": plan.epochs, "batch_size": plan.batch_size}
    return TEMPLATE.format(
        ours=f"from steepest import {', '.join(ours)}\n" if ours else "", criterion=criterion, optimizer=optimizer,
        scheduler=SCHEDULER.format(multiplier=multiplier, **size) if multiplier else "", step="        scheduler.step()\n" if multiplier else "", **size,
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


def _loss(loss: Call) -> str:
    if loss.name in TORCH_LOSSES and loss.options.keys() <= SHARED_OPTIONS:
        return f"torch.nn.{TORCH_LOSSES[loss.name]}({loss.shown()})"
    return f"lambda output, target: losses.{loss.name}(output, target, {loss.shown()})" if loss.options else f"losses.{loss.name}"


def _rule(rule: Call, lr: float) -> str:
    options = {k: v for k, v in rule.options.items() if k != "lr"}
    if rule.name not in TORCH_RULES:
        shown = "".join(f", {k}={v!r}" for k, v in options.items())
        class_name = "".join(word.capitalize() for word in rule.name.split("_"))
        return f"optim.{class_name}(model.parameters(), lr={lr:.6g}{shown})"
    name, fixed = TORCH_RULES[rule.name]
    given = {**fixed, **{k: v for k, v in options.items() if k not in dict(BETAS)}}
    if options.keys() & dict(BETAS).keys():
        given["betas"] = tuple(options.get(k, default) for k, default in BETAS)
    shown = "".join(f", {k}={v!r}" for k, v in given.items())
    return f"torch.optim.{name}(model.parameters(), lr={lr:.6g}{shown})"


def _multiplier(schedule: Call) -> str:
    """The learning rate's multiplier at `step`, of `n_steps`; empty for a constant one."""
    if schedule.name == "constant":
        return ""
    options = f", {schedule.shown()}" if schedule.options else ""
    return f"float(schedules.{schedule.name}(step, n_steps{options}))"

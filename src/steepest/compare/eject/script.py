"""Puts the script together, and holds its pieces against the study before anybody runs it."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import torch

from steepest.core.errors import Unsupported
from steepest.core.sealed import sealed
from steepest.models.resolve import Factory
from steepest.results.records import Plan

from ..dropout import FixedDropout, Recorder
from ..own_losses import OwnLoss
from ..own_rules import OwnRule
from ..task import Task
from ..trial import Arm
from . import data, measure, model, recipe
from .bundle import Bundle, Key

FILE, BESIDE = "train.py", "train.npz"
"""What the script calls itself, and the file with data that no text names."""
PLAIN = "steepest.compare.eject.plain"
INSTEAD: dict[str, Key] = {
    "steepest.data.record.Data": (PLAIN, "Data"),
    "steepest.core.targets.Classes": (PLAIN, "Classes"),
    "steepest.core.per_trial.trials_where": (PLAIN, "trials_where"),
    "steepest.optim.wholes.norm": (PLAIN, "norm"),
    "steepest.optim.wholes.size": (PLAIN, "size"),
    "steepest.optim.wholes.total": (PLAIN, "total"),
    "steepest.core.errors.*": (PLAIN, "Refused"),
}
TAKEN = (
    "load build criterion from_labels make_optimizer multiplier reduced scales split batches train masks score main "
    "lowered scores part kept learnt factors beside begins early make_factor_optimizer "
    "loss_1 loss_2 loss_3 loss_4 "
    "x y seed step n_steps at end rows order cut batch group loss given inputs targets model optimizer output truth "
    "found stored frame counts labels weights values doubt asked parser told calls numpy torch nn functional score_of"
).split()
"""Names that the template uses."""


@dataclass(frozen=True)
class Subject:
    """What is written: an arm of a study at its learning rate, its task, and what the user named model and data.

    measured: seed -> score on the test part.
    """

    plan: Plan
    arm: Arm
    learning_rate: float
    task: Task
    factory: Factory
    source: Any
    measured: dict[int, float]


@dataclass(frozen=True)
class Script:
    """needs_file: the data must lie beside it."""

    text: str
    needs_file: bool


def write(subject: Subject) -> Script:
    """The script; Unsupported where a piece cannot be written, or would not be what the study had."""
    bundle = Bundle(_homes(subject), INSTEAD, tuple(TAKEN))
    for module, name in (("core.streams", "generator"), ("data.split", "draw_split"), ("data.standardise", "Scale")):
        bundle.add_name(f"steepest.{module}", name)
    bundle.add_name(PLAIN, "start_streams")
    pieces = _pieces(subject, bundle)
    for reading in data.readers(subject.source, subject.task.data, bundle, BESIDE):
        text = _rendered(subject, bundle, {**pieces, "reading": reading.rstrip("\n").split("\n")})
        needs_file = "numpy.load" in reading
        if needs_file or _reads_the_same(text, subject.task.data):
            _hold_against(text, subject)
            return Script(text, needs_file)
    raise AssertionError("the last reader always works")


def _homes(subject: Subject) -> list[str]:
    """The modules of the user's own model, loss and optimizer."""
    things = [] if subject.factory.is_own else [subject.factory.make]
    things += [part.own for part in (subject.arm.loss, subject.arm.rule) if isinstance(part, (OwnLoss, OwnRule))]
    modules = [thing.__module__ or "" for thing in things if inspect.isfunction(thing) or inspect.isclass(thing)]
    return [module for module in modules if module.partition(".")[0] not in ("", "steepest", "torch")]


def _pieces(subject: Subject, bundle: Bundle) -> dict[str, Any]:
    task, arm, plan = subject.task, subject.arm, subject.plan
    measure.refuse_places(task)
    has_dropout, has_noise = _random_parts(task)
    if has_dropout:
        for name in ("FixedDropout", "draw_masks", "mask_shape"):
            bundle.add_name("steepest.compare.dropout", name)
        bundle.imports["import itertools"] = None
    gives, begins = arm.weighting is not None or arm.takes_counts, arm.weighting_after
    given = ", **(given if step >= begins else early)" if begins else ", **given" if gives else ""
    call = f"criterion(model(inputs[batch]), targets[batch]{', factors' if arm.learns_factors else ''}{given})"
    if begins:
        bundle.imports["import math"] = None
    forward = [f"loss = {call}"]
    if has_dropout:
        forward = ["with FixedDropout(masks(seed, step)):", f"    loss = {call}"]
    if has_noise:
        forward.insert(0, 'start_streams("noise", STUDY_SEED, seed, step)')
    stratified = "None" if task.data.strata is None else "y"
    shares = f"select_share={task.select_share!r}, test_share={task.test_share!r}"
    shares += ", own_test=True" if task.resamples else ""
    return {
        "criterion": recipe.criterion(arm, task, bundle),
        "optimizer": recipe.optimizer(arm, subject.learning_rate, bundle),
        "schedule": recipe.schedule(arm, bundle),
        "reduction": recipe.reduction(arm, task.metric.best, bundle),
        "build": model.build(subject.factory, task, bundle),
        "targets": measure.targets(arm, task),
        "x_scale": measure.input_scale(task),
        "split_words": f"len(y), {stratified}, seed, study_seed=STUDY_SEED, {shares}",
        "scoring": measure.scoring(task, bundle),
        "is_regression": task.data.task == "regression",
        "gives": gives,
        "begins": begins,
        "early": recipe.early(arm),
        "learned": len(arm.terms) if arm.learns_factors else 0,
        "forward": forward,
        "closure": recipe.looks_twice(arm),
        "judged_elsewhere": recipe.is_judged_elsewhere(arm),
        "has_dropout": has_dropout,
        "epochs": plan.epochs,
    }


def _random_parts(task: Task) -> tuple[bool, bool]:
    """Whether a training pass asks for dropout masks, and for other random numbers."""
    recorder, built = Recorder(), task.build(0).train()
    rows = task.train_set(0).x[:4]
    with sealed("look", 0), torch.no_grad(), FixedDropout(recorder):
        before = torch.default_generator.get_state()
        built(rows)
        has_noise = not torch.equal(before, torch.default_generator.get_state())
    return bool(recorder.calls), has_noise


def _rendered(subject: Subject, bundle: Bundle, pieces: dict[str, Any]) -> str:
    plan, arm, task = subject.plan, subject.arm, subject.task
    used = {"import argparse": None, "import hashlib": None, "import numpy": None, "import torch": None}
    if any("Path(" in line for line in pieces["reading"]):
        used["from pathlib import Path"] = None
    standard, others = _sorted_imports({**used, **bundle.imports})
    measured = [f"{seed}: {value!r}," for seed, value in sorted(subject.measured.items())]
    title = f"{arm.name} for {plan.model} on {task.data.name}: the winner of a comparison, in plain PyTorch."
    versions = ", ".join(f"{n} {plan.versions[n]}" for n in ("steepest", "torch") if n in plan.versions)
    story = [
        f"Written by {versions}. It repeats split, initialisation, batch order and dropout of",
        "the study, which trained many models at once: sums were taken in another order, so scores agree to",
        "rounding, which training amplifies.",
    ]
    text = _template().render(
        {
            **pieces,
            "title": _one_line(title),
            "purpose": "Trains the winner of a comparison and scores it.",
            "story": story,
            "file": FILE,
            "imports": "\n".join([*standard, "", *others]),
            "definitions": bundle.text(),
            "study_seed": plan.seed,
            "batch_size": plan.batch_size,
            "learning_rate": repr(subject.learning_rate),
            "fingerprint": task.data.fingerprint,
            "metric": task.metric.name,
            "measured": measured,
            "first_seed": min(subject.measured, default=0),
        }
    )
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


def _sorted_imports(lines: dict[str, None]) -> tuple[list[str], list[str]]:
    """Those of the standard library, and the others; names of one module on one line."""

    def is_standard(line: str) -> bool:
        return line.split()[1].partition(".")[0] in sys.stdlib_module_names

    names: dict[str, list[str]] = {}
    for line in sorted(lines):
        head, _, name = line.partition(" import ")
        names.setdefault(head, []).append(name)
    ordered = [f"{head} import {', '.join(found)}" if found != [""] else head for head, found in names.items()]
    ordered.sort(key=lambda line: (line.startswith("from"), line))
    return [line for line in ordered if is_standard(line)], [line for line in ordered if not is_standard(line)]


@lru_cache(maxsize=1)
def _template() -> Any:
    import jinja2

    loader = jinja2.PackageLoader(__package__, "")
    return jinja2.Environment(loader=loader, trim_blocks=True, lstrip_blocks=True).get_template("script.py.j2")


# -- what is held against the study ------------------------------------------------------------------------------------


def _executed(text: str) -> dict[str, Any]:
    """The names that the script defines; nothing is trained."""
    module = ModuleType("_ejected")
    module.__file__ = "ejected.py"
    sys.modules["_ejected"] = module  # dataclasses look their module up by name
    try:
        exec(compile(text, "ejected.py", "exec"), module.__dict__)
    finally:
        del sys.modules["_ejected"]
    return module.__dict__


def _reads_the_same(text: str, wanted: Any) -> bool:
    try:
        x, y = _executed(text)["load"]()
    except Exception:  # the next way is tried
        return False
    return (
        x.dtype == wanted.x.dtype
        and torch.equal(x, wanted.x)
        and y.dtype == wanted.y.dtype
        and torch.equal(y, wanted.y)
    )


def _hold_against(text: str, subject: Subject) -> None:
    """Split, scale and initialisation must be the study's to the last bit."""
    names, task = _executed(text), subject.task
    seed = min(subject.measured, default=0)
    found, wanted = names["split"](task.data.y, seed), task.split(seed)
    same = all(torch.equal(getattr(found, part), getattr(wanted, part)) for part in ("train", "select", "test"))
    with sealed("eject", 0):
        built = names["build"](seed).state_dict()
    expected = task.build(seed).state_dict()
    same_start = built.keys() == expected.keys() and all(torch.equal(built[n], v) for n, v in expected.items())
    for what, is_same in (("split", same), ("initialisation", same_start)):
        if not is_same:
            raise Unsupported(
                where="eject",
                seen=f"the script's {what} is not the study's",
                needed="the same was needed",
                consequence="The script would train another model than the one that won.",
                repair="Compare with a class or function in a file of its own, such as net.py:Net.",
            )

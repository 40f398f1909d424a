"""A study that goes on: asked again from its stored plan, and refused where it would not be the same study."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from steepest.core.errors import StoreError
from steepest.results.identity import differing_fields
from steepest.results.records import Plan
from steepest.results.store import read_study

from .ask import Request, ask
from .limits import memory_of
from .prepare import Prepared, task_of, trainer_of
from .shards import need_of
from .versions import refuse_other_versions


def prepared_again(
    plan: Plan,
    request: Request | None,
    bar: Any,
    memory: str | int | None = None,
    devices: Sequence[str] = ("cpu",),
) -> Prepared:
    """The same study from its stored plan; model and data come from the request or, by name, from the plan.

    memory: another bound than the plan's, for the rungs that are still to come.
    """
    if request is None:
        request = asked_again(plan)
    if request.data.fingerprint != plan.request["data"]:
        raise StoreError(
            where="resume",
            seen=f"the data have the fingerprint {request.data.fingerprint}, the study began with {plan.request['data']}",
            needed="the same data were needed",
            repair="Put the data back as they were, or begin a new study in another folder.",
        )
    refuse_other_versions(plan)
    task = task_of(request).on(devices[0])
    limit = memory_of(memory, task.device)
    if memory is not None and limit is not None:
        need_of(task, {a.arm.name: a.arm for a in request.arms}).refuse_less(limit)
        plan = replace(plan, memory=limit)
    return Prepared(plan, trainer_of(task, request, plan, bar), [], request)


def asked_again(plan: Plan) -> Request:
    """What a stored plan asks for, in words; StoreError where objects were given."""
    words = plan.request
    if (
        not words.get("data_source")
        or ":" not in words["model"]
        and words["model"].split("(")[0] not in ("mlp", "cnn", "linear")
    ):
        raise StoreError(
            where="resume",
            seen=f"the study was given objects (model {words['model']!r}), which a store does not hold",
            needed="a model and data named as text were needed",
            repair="Call compare again with the same arguments and out= this folder.",
        )
    if words["optimizers"] is None:
        raise _given_as_objects()
    again = ask(
        model=words["model"],
        data=words["data_source"],
        losses=words["losses"],
        weightings=words.get("weightings", "none"),
        optimizers=words["optimizers"],
        schedules=words["schedules"],
        metric=words["metric"],
        budget=words["budget"],
        seeds=words["seeds"] or "auto",
        baseline=words["baseline"],
        seed=words["seed"],
        rope=words["rope"],
        task=words["task"],
        batch_size=words["batch_size"],
        epochs=words["epochs"],
        engine=words["engine"],
    )
    if again.text["arms"] != words["arms"]:
        raise _given_as_objects()
    _refuse_changed(words, again.text)
    return again


def _given_as_objects() -> StoreError:
    return StoreError(
        where="resume",
        seen="losses or optimizers of the study were given as objects, which a store does not hold",
        needed="words for all of them were needed",
        repair="Call compare again with the same arguments and out= this folder; what is your own can be named in words: "
        "'file.py:my_loss'.",
    )


def _refuse_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [name for name, was in before.get("own", {}).items() if now.get("own", {}).get(name) != was]
    if changed:
        raise StoreError(
            where="resume",
            seen=f"{changed[0]} is not what the study began with: its source or attributes changed",
            needed="the same loss and optimizer were needed",
            consequence="Half of its trials would be of one and half of another.",
            repair="Put it back as it was, or begin a new study in another folder.",
        )


def refuse_another_study(folder: Path, request: Request) -> None:
    """The folder's study must ask the same question."""
    stored = read_study(folder).plan
    different = differing_fields(stored, replace(stored, request=request.text), ("request",))
    if different:
        told = [words.removeprefix("request.") for words in different]
        more = f", and {len(told) - 2} more differences" if len(told) > 2 else ""
        raise StoreError(
            where=str(folder),
            seen=f"the folder holds another study ({'; '.join(told[:2])}{more})",
            needed="a folder of its own was needed for this one",
            consequence="Nothing was changed.",
            repair=f"Name another folder (--out, out=), or look at the study there with: steepest report {folder}",
        )


def refuse_unwritable(folder: Path) -> None:
    """Try a file that leaves no trace where the folder is, or will be made."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is no folder")
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise StoreError(
            where=str(folder),
            seen=f"{place} cannot be written to ({error.strerror or error})",
            needed="a folder for the study was needed",
            consequence="Hours of training would have had no place to go.",
            repair="Name another one (--out, out=).",
        ) from error

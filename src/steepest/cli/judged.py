"""The command that judges a trained model on data: a summary, a page, JSON."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from errno import EISDIR
from pathlib import Path
from typing import Any

import typer


def judge(asked: Mapping[str, Any], page: Path | None, form: str, *, open_page: bool) -> None:
    """`steepest evaluate`."""
    from steepest.core.errors import UsageError

    if form not in ("text", "json"):
        raise UsageError(
            where="evaluate", seen=f"--format {form}", needed="text or json was needed", repair="--format json"
        )
    if page is not None:
        _make_folder_of(page)
    found = _found(asked)
    found.found = replace(found.found, command=_command(asked, page))
    typer.echo(found.to_json() if form == "json" else str(found))
    if page is not None:
        found.write(page)
        if form == "text":
            typer.echo(f"\nPage:    {page}")
        if open_page:
            typer.launch(str(page.resolve()))


def _make_folder_of(page: Path) -> None:
    """Before the work, so that a page that cannot be written is refused at once."""
    from steepest.results.durable import unwritable

    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        if page.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
    except OSError as error:
        raise unwritable(error, page) from error


def _found(asked: Mapping[str, Any]) -> Any:
    from steepest.evaluate import evaluate

    trained = _trained(asked["checkpoint"], asked["model"])
    data, rows = _fresh(trained, _rows(trained, asked["data"]))
    found = evaluate(
        trained.model,
        data,
        loss=trained.loss,
        from_logits=trained.from_logits if trained.loss is None else None,
        metrics=asked["metrics"],
        class_names=trained.class_names,
        slices={name: column[rows] for name, column in _columns(asked["slices"], asked["data"]).items()},
        threshold=asked["threshold"],
        held_out=None if asked["held_out"] is None else _rows(trained, asked["held_out"]),
        level=asked["level"],
        seed=asked["seed"],
    )
    notes = [*found.found.notes, *_notes(trained, data, rows)]
    found.found = replace(found.found, model=trained.about["model"], notes=notes)
    return found


def _fresh(trained: Any, data: Any) -> tuple[Any, Any]:
    """(the rows that were not trained on, their numbers): of the very data of the training only those set aside."""
    import numpy

    from steepest.fit.reading import cut

    share = trained.about.get("validation")
    if data.fingerprint != trained.about.get("fingerprint") or not share:
        return data, numpy.arange(len(data.y))
    _, aside = cut(len(data.y), share, data.strata, trained.about["seed"])
    return replace(data, x=data.x[aside], y=data.y[aside]), aside.numpy()


def _notes(trained: Any, data: Any, rows: Any) -> list[str]:
    if data.fingerprint == trained.about.get("fingerprint"):
        return ["The model was trained on most of these very rows: on others it will be worse."]
    if len(rows) and trained.about.get("fingerprint") and rows[-1] != len(rows) - 1:
        return [f"The model was trained on these data: only the {len(rows):,} rows set aside then are judged."]
    return []


def _rows(trained: Any, source: str) -> Any:
    """The data as in training: of a table the same columns, whatever others it has."""
    from steepest.core.errors import DataError
    from steepest.data import load
    from steepest.data.tables import read_table, split_address

    table = split_address(source)
    if table is None or table[1] is None or trained.feature_names is None:
        return trained.read(load(source, task=trained.task))
    frame = read_table(Path(table[0]), table[1])
    wanted = [*trained.feature_names, table[1]]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise DataError(
            where=table[0],
            seen=f"there is no column {missing[0]!r}",
            needed="the columns of training were needed",
            repair=f"They are {', '.join(wanted)}.",
        )
    data = load(frame[wanted], target=table[1], task=trained.task)
    return trained.read(replace(data, name=Path(table[0]).name))


def _trained(place: Path, model: str | None) -> Any:
    """A run of fit; or a study of compare, whose winner it is."""
    from steepest.fit.trained import load_trained
    from steepest.results.store import Store

    if not place.is_dir() or not Store.exists(place):
        return load_trained(place, model)
    from steepest.compare.winner import load
    from steepest.fit.trained import Ready, Trained
    from steepest.results.store import read_study

    winner, plan = load(place, model), read_study(place).plan
    arm = next(a for a in plan.arms if a.name == winner.arm)
    return Trained(
        model=Ready(winner.model(), winner.x_scale, winner.y_scale).eval(),
        task=plan.task,
        loss=arm.loss if plan.task == "classification" else None,
        shape=tuple(plan.data["shape"]),
        class_names=winner.class_names,
        feature_names=None,
        about={"model": plan.model, "fingerprint": plan.data.get("fingerprint")},
        n_classes=plan.data.get("n_classes"),
    )


def _columns(asked: str | None, source: str) -> dict[str, Any]:
    """Columns of the table that --data names, by name."""
    if asked is None:
        return {}
    from steepest.core.errors import UsageError, did_you_mean
    from steepest.data.tables import read_table, split_address

    table = split_address(source)
    if table is None:
        raise UsageError(
            where="--slices",
            seen=f"--data {source}, which is no table",
            needed="a table with that column was needed",
            repair="steepest.evaluate(..., slices={'name': values}) takes values from anywhere.",
        )
    frame = read_table(Path(table[0]), None)
    names = [name.strip() for name in asked.split(",")]
    for name in names:
        if name not in frame.columns:
            raise UsageError(
                where="--slices",
                seen=f"{table[0]} has no column {name!r}",
                needed="a column of the table was needed",
                repair=did_you_mean(name, map(str, frame.columns)),
            )
    return {name: frame[name].to_numpy() for name in names}


def _command(asked: Mapping[str, Any], page: Path | None) -> str:
    words = ["steepest", "evaluate", str(asked["checkpoint"])]
    for name, value in asked.items():
        if name != "checkpoint" and value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words + (["--out", str(page)] if page is not None else []))

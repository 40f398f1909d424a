"""The commands that take a study elsewhere: a plain script, another program's format, its references."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer

from steepest.core.citations import Citations
from steepest.core.errors import UsageError
from steepest.results.cited import citations
from steepest.results.store import Store, read_study

FILES = {"csv": ".csv", "json": ".json", "parquet": ".parquet"}
STUDY_OF_OPTUNA = "optuna.log"


def eject(folder: Path, out: Path) -> None:
    """`steepest eject`."""
    from steepest.compare.results import Results

    study = read_study(folder)
    if study.verdict is None:
        raise UsageError(
            where=str(folder),
            seen="the study is not finished",
            needed="a winner was needed",
            repair=f"Run it to its end: steepest resume {shlex.quote(str(folder))}",
        )
    path = Results(study, folder).eject(out)
    typer.echo(f"Script: {path}\nIt trains {study.verdict.winner} again: python {shlex.quote(str(path))}")


def export(folder: Path, to: str, out: Path | None) -> None:
    """`steepest export`."""
    study = read_study(folder)
    if to == "optuna":
        from steepest.results.to_optuna import to_optuna

        path = out or folder / STUDY_OF_OPTUNA
        path.parent.mkdir(parents=True, exist_ok=True)
        made = to_optuna(study, path)
        typer.echo(f"{len(made.trials):,} trials: {path}\nLook at them: optuna-dashboard {shlex.quote(str(path))}")
        return
    if to not in FILES:
        raise UsageError(
            where="--to",
            seen=repr(to),
            needed=f"one of optuna, {', '.join(FILES)} was needed",
            repair="For example --to csv.",
        )
    from steepest.results.tables import write_trials

    path = write_trials(study, (out or folder / "trials").with_suffix(FILES[to]))
    typer.echo(f"{len(study.outcomes):,} trials: {path}")


def cite(names: list[str], bibtex: bool) -> None:
    """`steepest cite`: of studies by their folders, of items by their names."""
    found: dict[str, str] = {}
    for name in names:
        if Store.exists(Path(name)):
            found.update(citations(read_study(Path(name))).declared)
        else:
            found.update(_of_item(name))
    cited = Citations.of(found)
    typer.echo(cited.bibtex if bibtex else str(cited))


def _of_item(name: str) -> dict[str, str]:
    from steepest.explain.find import find

    item = find(name).item
    return {item.name: item.source}

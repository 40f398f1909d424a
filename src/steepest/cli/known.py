"""Names for the shell's completion, read from the sources: importing torch at every Tab would take seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
FOLDERS = {
    "losses": ("losses", "loss"),
    "optimizers": ("optim/rules", "rule"),
    "schedules": ("optim/schedules", "(?:schedule|reduction)"),
    "transforms": ("optim/transforms", "transform"),
    "weightings": ("losses/weightings", "weighting"),
    "metrics": ("metrics", "metric"),
    "data": ("data/bundled", "dataset"),
    "models": ("models", "model"),
}


def names_on_disk(kind: str) -> list[str]:
    """Names of the items that our own files declare; those of other packages are not looked for."""
    folder, decorator = FOLDERS[kind]
    found = re.compile(rf"^@{decorator}\(.*?^def (\w+)\(", re.MULTILINE | re.DOTALL)
    return sorted(
        name for path in (HOUSE / folder).glob("*.py") for name in found.findall(path.read_text(encoding="utf-8"))
    )


def continued(incomplete: str, names: list[str]) -> Iterator[str]:
    """Completions of the last name of a list with commas."""
    before, comma, last = incomplete.rpartition(",")
    return (before + comma + name for name in names if name.startswith(last))


def complete_losses(incomplete: str) -> list[str]:
    return list(continued(incomplete, names_on_disk("losses")))


def complete_weightings(incomplete: str) -> list[str]:
    return list(continued(incomplete, names_on_disk("weightings")))


def complete_optimizers(incomplete: str) -> list[str]:
    return list(continued(incomplete, names_on_disk("optimizers")))


def complete_schedules(incomplete: str) -> list[str]:
    return list(continued(incomplete, names_on_disk("schedules")))


def complete_metric(incomplete: str) -> list[str]:
    return [name for name in names_on_disk("metrics") if name.startswith(incomplete)]


def complete_metrics(incomplete: str) -> list[str]:
    return list(continued(incomplete, names_on_disk("metrics")))


def complete_model(incomplete: str) -> list[str]:
    return [name for name in names_on_disk("models") if name.startswith(incomplete)] + _files(incomplete, (".py",))


def complete_source(incomplete: str) -> list[str]:
    return [name for name in names_on_disk("data") if name.startswith(incomplete)] + _files(
        incomplete, (".csv", ".parquet")
    )


def complete_task(incomplete: str) -> list[str]:
    return [task for task in ("classification", "multilabel", "regression") if task.startswith(incomplete)]


def complete_suggested_task(incomplete: str) -> list[str]:
    """The tasks that our own loss files name."""
    named = re.compile(r"^    task=(.+),$", re.MULTILINE)
    texts = [path.read_text(encoding="utf-8") for path in (HOUSE / "losses").glob("*.py")]
    tasks = {word for text in texts for said in named.findall(text) for word in re.findall(r"[\w-]+", said)}
    return sorted(task for task in tasks if task.startswith(incomplete))


def complete_machines(incomplete: str) -> list[str]:
    return [word for word in ("local", "local:2", "auto", "ray://") if word.startswith(incomplete)]


def complete_engine(incomplete: str) -> list[str]:
    return [engine for engine in ("auto", "probe", "stacked", "vmap", "loop") if engine.startswith(incomplete)]


def complete_kind(incomplete: str) -> list[str]:
    return [kind for kind in FOLDERS if kind.startswith(incomplete)]


def complete_anything(incomplete: str) -> list[str]:
    return sorted({name for kind in FOLDERS for name in names_on_disk(kind) if name.startswith(incomplete)})


def _files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    """Files with these endings, and folders on the way to them; what follows the file's name is the user's to say."""
    start = Path(incomplete).parent
    if not start.is_dir():
        return []
    shown = [
        f"{path}/" if path.is_dir() else f"{path}:"
        for path in start.iterdir()
        if path.is_dir() or path.suffix in endings
    ]
    return sorted(name for name in shown if name.startswith(incomplete) and not Path(name).name.startswith("."))

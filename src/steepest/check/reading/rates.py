"""Learning rates over time, as the text tells it: schedules that are stepped at the wrong place or turned the wrong way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .names import called

if TYPE_CHECKING:
    from .source import Source

Found = Iterator[tuple[int, str]]


EPOCHS = ("StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR")


def schedule_misplaced(source: Source) -> Found:
    """A schedule of epochs in the loop over batches, or OneCycle outside of it."""
    for name, values in source.names.bound.items():
        made = values[0] if len(values) == 1 and isinstance(values[0], ast.Call) else None
        kind = called(made) if made is not None else ""
        if kind not in (*EPOCHS, "OneCycleLR"):
            continue
        uses = [s for s in source.flow.of("schedule") if s.name == name and s.loops]
        loops = [
            first.loops
            for _, steps in source.flow.training_loops()
            for first in [next(s for s in steps if s.kind == "backward")]
            if len(first.loops) > 1
        ]
        if not uses or not loops or made is None:
            continue
        per_batch, per_epoch = (
            any(s.loops == loops[0] and s.sure for s in uses),
            all(s.loops == loops[0][:-1] for s in uses),
        )
        text = ast.unparse(made)
        if kind == "OneCycleLR" and per_epoch and re.search(r"steps_per_epoch|len\(", text):
            yield uses[0].line, "OneCycleLR counts batches and is stepped once per epoch"
        if kind in EPOCHS and per_batch and _counts_epochs(source, made, kind, loops[0][0]):
            yield (
                uses[0].line,
                f"{text[:70]} is stepped in the loop over batches (line {getattr(loops[0][-1], 'lineno', 0)})",
            )


def _counts_epochs(source: Source, made: ast.Call, kind: str, epochs: ast.AST) -> bool:
    """Its numbers are those of epochs: the loop's own count, or at most that."""
    total = count_of(source, epochs)
    given = {k.arg: k.value for k in made.keywords}
    first = (
        made.args[1]
        if len(made.args) > 1
        else given.get({"StepLR": "step_size", "CosineAnnealingLR": "T_max"}.get(kind, "milestones"))
    )
    if first is None or total is None:
        return False
    if ast.unparse(first) == total[0] and kind == "CosineAnnealingLR":
        return True
    size = number_of(source, first)
    return (
        kind in ("StepLR", "CosineAnnealingLR")
        and size is not None
        and total[1] is not None
        and 1 < size <= total[1]
        and total[1] <= 500
    )


def count_of(source: Source, loop: ast.AST) -> tuple[str, float | None] | None:
    """(as spelled, number) of `for epoch in range(n)`."""
    over = getattr(loop, "iter", None)
    while isinstance(over, ast.Call) and called(over) != "range" and over.args:
        over = over.args[0]
    if not isinstance(over, ast.Call) or not over.args:
        return None
    last = over.args[1] if len(over.args) > 1 else over.args[0]
    return ast.unparse(last), number_of(source, last)


def number_of(source: Source, node: ast.expr) -> float | None:
    value = source.names.value_of(node)
    return float(value.value) if isinstance(value, ast.Constant) and isinstance(value.value, (int, float)) else None


def plateau_turned_round(source: Source) -> Found:
    for name, values in source.names.bound.items():
        made = values[0] if len(values) == 1 and isinstance(values[0], ast.Call) else None
        if made is None or called(made) != "ReduceLROnPlateau":
            continue
        given = next((k.value for k in made.keywords if k.arg == "mode"), made.args[1] if len(made.args) > 1 else None)
        mode = given.value if isinstance(given, ast.Constant) else "min" if given is None else ""
        for s in source.flow.of("schedule"):
            call = s.node
            if s.name == name and isinstance(call, ast.Call) and call.args:
                kind = kind_of(ast.unparse(call.args[0]))
                if (kind, mode) in (("loss", "max"), ("score", "min")):
                    yield s.line, f"mode={mode!r} and step({ast.unparse(call.args[0])}): that is a {kind}"


def kind_of(name: str) -> str:
    """ "loss" or "score" where the name says it, else nothing."""
    is_loss = bool(re.search(r"loss|error|err\b|mse|mae|rmse|perplex|ppl|nll", name, re.IGNORECASE))
    is_score = bool(
        re.search(r"acc|f1|auc|score|iou|dice|precision|recall|r2|reward|bleu|map\b|correct", name, re.IGNORECASE)
    )
    if name.lstrip().startswith("-"):
        return "score" if is_loss and not is_score else "loss" if is_score and not is_loss else ""
    return "loss" if is_loss and not is_score else "score" if is_score and not is_loss else ""

"""How many units in the last place values and gradients of each loss are off, at worst, and those of its twin in torch.

    python tools/ulp_table.py [--only mse,focal]

Points are those of tests/contract/test_loss_formula.py, chosen to hurt, with default hyperparameters; the truth is the declared
formula in 50 digits. Losses that are declared by a plain function stand with random points and that function on numbers of 110
digits. Exit code 1 when one of ours is off by more than the bar of the tests.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "contract")]

import loss_cases as cases  # noqa: E402
import test_loss_digits as plain_forms  # noqa: E402
import test_loss_formula as formulas  # noqa: E402
from test_loss_twins import twin  # noqa: E402

from steepest.core.formula import Formula  # noqa: E402

DTYPES = (torch.float32, torch.float64)
Point = tuple[Tensor, Any, list[Any], list[Any]]
"""Input, target, true values, true slopes of their sum."""


def points(loss: Any, dtype: torch.dtype) -> Iterator[Point]:
    formula = Formula.of(loss)
    if formula is None:
        n = 1 if loss.target.name in ("sequence", "regions") else 3
        x, y = cases.batch(loss, n, dtype=dtype)
        yield x, y, *plain_forms.exact(loss, x, y)
        return
    for x, y in formulas.points(loss, dtype):
        hyper = numbers(loss, x)
        at = formulas.plain(x), formulas.plain(y)
        yield x, y, [formula.value(*at, **hyper)], formula.gradient(*at, **hyper)


def numbers(loss: Any, x: Tensor) -> dict[str, Any]:
    sized = cases.sized(loss, cases.defaults(loss), x.shape[-1])
    return {name: formulas.rounded(value, x.dtype) for name, value in sized.items()}


def worst(call: Callable[..., Tensor], point: Point, hyper: dict[str, Any]) -> tuple[float, float]:
    x, y, values, slopes = point
    leaf = x.clone().requires_grad_()
    found = call(leaf, y, reduction="none", **hyper)
    (gradient,) = torch.autograd.grad(found.sum(), leaf)
    pairs = ((found, values), (gradient, slopes))
    a, b = (max(_off(o, t, x.dtype) for o, t in zip(ours.flatten().tolist(), true)) for ours, true in pairs)
    return a, b


def _off(ours: float, true: Any, dtype: torch.dtype) -> float:
    return float(formulas.off_by(ours, 0 if abs(true) < 1e-60 and dtype == torch.float32 else true, dtype))


def of_twin(loss: Any) -> Callable[..., Tensor] | None:
    """The twin in torch, called as ours; None where there is none that gives a value per item."""
    if not loss.equals or not loss.equals.startswith("torch.") or loss.equals_with:
        return None

    def call(x: Tensor, y: Tensor, reduction: str, **hyper: Any) -> Tensor:
        made: Tensor = twin(loss, hyper, reduction=reduction)(x, y)
        return made

    return call


def row(loss: Any) -> list[float | None]:
    """Worst value and gradient of ours and of the twin, for each dtype."""
    cells: list[float | None] = []
    other = of_twin(loss)
    for dtype in DTYPES:
        ours, theirs = [], []
        for point in points(loss, dtype):
            hyper = numbers(loss, point[0]) if loss.formula else {}
            ours.append(worst(loss, point, hyper))
            if other is not None:
                theirs.append(worst(other, point, hyper))
        cells += [max(values) for values in zip(*ours)]
        cells += [max(values) for values in zip(*theirs)] if theirs else [None, None]
    return cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names of losses, with commas between them")
    only = set(filter(None, parser.parse_args().only.split(",")))
    print(f"{'units in the last place':24}{'float32':>28}{'float64':>36}")
    print(f"{'':24}" + 2 * f"{'value':>9}{'gradient':>9}{'torch':>9}{'gradient':>9}")
    exit_code = 0
    for loss in cases.LOSSES:
        if only and loss.name not in only:
            continue
        cells = row(loss)
        print(f"{loss.name:24}" + "".join(f"{'' if c is None else f'{c:.3g}':>9}" for c in cells), flush=True)
        ours = [c for k, c in enumerate(cells) if k % 4 < 2 and c is not None]
        exit_code |= max(ours) > formulas.MOST_ULPS
    return exit_code


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())

"""Options of lr."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from .. import known
from .common import HOW_SURE, RESULT, WHAT

RangeOptimizers = Annotated[
    str,
    typer.Option(
        "--optimizers",
        metavar="A,B",
        autocompletion=known.complete_optimizers,
        rich_help_panel=WHAT,
        help="Each has curves of its own.",
    ),
]
RangeLosses = Annotated[
    Optional[str],
    typer.Option(
        metavar="A,B",
        show_default="cross_entropy or mse",
        autocompletion=known.complete_losses,
        rich_help_panel=WHAT,
        help="The loss that is trained; each loss has curves of its own.",
    ),
]
Lowest = Annotated[
    Optional[float],
    typer.Option(
        metavar="LR", show_default="a tenth of the optimizer's usual lowest", rich_help_panel=WHAT, help="First rate."
    ),
]
Highest = Annotated[
    Optional[float],
    typer.Option(
        metavar="LR", show_default="ten times the optimizer's usual highest", rich_help_panel=WHAT, help="Last rate."
    ),
]
NRates = Annotated[
    int,
    typer.Option(
        "--rates", metavar="N", min=3, rich_help_panel=HOW_SURE, help="Rates from the first to the last, evenly in log."
    ),
]
Steps = Annotated[int, typer.Option(metavar="N", min=1, rich_help_panel=HOW_SURE, help="Optimizer steps of each run.")]
NSeeds = Annotated[
    int, typer.Option("--seeds", metavar="N", min=1, rich_help_panel=HOW_SURE, help="Runs at each rate.")
]
RangePage = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", rich_help_panel=RESULT, help="The page with the curves.")
]

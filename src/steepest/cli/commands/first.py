"""Commands for a first look: demo, version."""

from __future__ import annotations

from pathlib import Path

import typer

from ..exits import guarded
from ..options import common, study

app = typer.Typer()


@app.command()
@guarded
def demo(*, out: study.DemoOut = Path("steepest-runs/demo"), open_page: common.Open = False) -> None:
    """A comparison on real data in a minute: a verdict and a page.

    3 losses x 2 optimizers on handwritten digits, bundled with scikit-learn; nothing is downloaded.
    """
    from ..studies import show

    show(out, open_page=open_page)


@app.command()
@guarded
def version() -> None:
    """Versions of Steepest and of what it runs on."""
    from ..machine import print_versions

    print_versions()

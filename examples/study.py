"""What the examples share: run a study, print its verdict and where the page is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import steepest as st

HERE = Path(__file__).parent


def run(study: Mapping[str, Any]) -> Any:
    """The study with what the command line changes of it."""
    parser = argparse.ArgumentParser(description="Runs the study of this example.")
    parser.add_argument(
        "--budget", default=study["budget"], help="time, or work such as 4000epochs: the same verdict everywhere"
    )
    parser.add_argument("--seeds", default="auto", help="how many fresh seeds confirm")
    parser.add_argument("--epochs", type=int, default=study["epochs"], help="of a full run")
    parser.add_argument("--out", help="the folder that keeps the study")
    asked = parser.parse_args()
    results = st.compare(**{**study, **vars(asked)})
    print(results.verdict.sentence)
    for note in results.verdict.notes:
        print(note)
    print(f"Page: {results.folder / 'report.html'}")
    return results

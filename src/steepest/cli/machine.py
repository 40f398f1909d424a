"""Versions and machine, as a bug report needs them; read from the installed packages, so nothing heavy is imported."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import typer

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "altair", "typer", "rich")


def print_versions() -> None:
    typer.echo(f"steepest {installed('steepest')}")
    python = f"Python {platform.python_version()} ({platform.python_implementation()})"
    typer.echo(f"{python} on {platform.platform()}, {os.cpu_count()} CPUs")
    for name in PACKAGES:
        typer.echo(f"{name} {installed(name)}")


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed" if package != "steepest" else "(run from its sources, not installed)"

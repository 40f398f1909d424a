"""The command line. A command's work is imported when it runs: `--help` loads no torch and answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from .commands import catalogue, checking, first, studies, training

app = typer.Typer(
    name="steepest",
    help="Which loss, optimizer and learning rate is best for my PyTorch model on my data, and how sure can I be?",
    epilog="Start with [bold]steepest demo[/bold]. All that can be compared: [bold]steepest list[/bold].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point of the command."""
    app(prog_name="steepest")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from .machine import installed

        typer.echo(f"steepest {installed('steepest')}")
        raise typer.Exit


@app.callback()
def _steepest(
    _version: Annotated[
        bool, typer.Option("--version", metavar=" ", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


for _part in (studies, training, catalogue, checking, first):  # the order of the help
    app.registered_commands += _part.app.registered_commands

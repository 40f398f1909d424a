"""The command that looks for mistakes."""

from __future__ import annotations

import typer

from ..arguments import KEY, TakesScriptArguments
from ..exits import guarded
from ..options import checking

app = typer.Typer()


@app.command("check", cls=TakesScriptArguments, no_args_is_help=True)
@guarded
def check_script(
    *,
    paths: checking.Paths = None,
    run: checking.Run = False,
    form: checking.Format = "text",
    explain: checking.Explain = None,
    ignore: checking.Ignore = "",
    steps: checking.WatchedSteps = 30,
    time_limit: checking.TimeLimit = 60.0,
    ctx: typer.Context,
) -> None:
    """Mistakes that ruin training silently, with evidence and repair.

    Without --run the file is only read. Exit code 1 when there is an error, 0 otherwise.
    A line's finding is silenced by [bold]# steepest: ignore[L01][/bold].

    \b
    [dim]steepest check train.py[/dim]
    [dim]steepest check train.py --run -- --epochs 3[/dim]
    [dim]steepest check . --format github[/dim]
    [dim]steepest check --explain L01[/dim]
    """
    from ..check import check_and_print, print_check

    if explain is not None:
        print_check(explain)
        return
    argv = ctx.meta.get(KEY, [])
    check_and_print(paths or [], run=run, form=form, ignore=ignore, steps=steps, time_limit=time_limit, argv=argv)

"""What follows `--` on a command line, for a command that runs a script of the user."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

KEY = "steepest.arguments of the script"


class TakesScriptArguments(TyperCommand):
    """Words after `--` belong to the script; they are found in the context's meta data."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta[KEY] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)

"""A script runs as it would by itself, but is recorded: from its text to facts."""

from __future__ import annotations

import sys
import traceback
import types
from typing import Any

from .loops import Loops, countable
from .place import is_users, loops
from .record import Run
from .recorder import Enough, Recorder


def execute(text: str, filename: str, recorder: Recorder) -> Run:
    """Run the program under the recorder; what it raises is recorded, not raised. KeyboardInterrupt passes."""
    run = recorder.run
    run.file = filename
    module = types.ModuleType("__main__")
    names: dict[str, Any] = {"__file__": filename, "__builtins__": __builtins__}
    module.__dict__.update(names, **Loops(recorder.goes_on).names())
    before = sys.modules.get("__main__")
    sys.modules["__main__"] = module
    try:
        code = countable(text, filename)
        with recorder.recording():
            exec(code, module.__dict__)
        run.ended = "cut" if run.cut else "finished"
    except Enough:
        run.ended = "exit" if run.left else "limit"
    except SystemExit as end:
        run.ended = "exit" if end.code in (None, 0) else "error"
        run.error = f"the script ended itself with exit code {end.code!r}" if run.ended == "error" else ""
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        run.ended = "error"
        run.error = f"{type(error).__name__}: {str(error).strip()[:300]}"
        run.error_line = _line_of(error, filename)
    finally:
        loops().clear()
        if before is not None:
            sys.modules["__main__"] = before
    run.keep_alive = module
    return run


def _line_of(error: BaseException, filename: str) -> int:
    """The innermost line of the script; of a syntax error its own line."""
    if isinstance(error, SyntaxError) and error.filename == filename:
        return error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    own = [f.lineno for f in frames if f.filename == filename] or [f.lineno for f in frames if is_users(f.filename)]
    return int(own[-1] or 0) if own else 0

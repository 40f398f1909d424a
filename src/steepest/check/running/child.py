"""The process in which a script is watched: walls first, then torch, then the script; the report goes into a file."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from .walls import Overlay, build, forbid_writing


def main(order_file: str) -> None:
    """order_file: JSON with text, file, argv, folder, answer, budget, limit_s, ignore."""
    order = json.loads(Path(order_file).read_text(encoding="utf-8"))
    folder = Path(order["folder"])
    os.environ.update(MPLBACKEND="Agg", TORCHDYNAMO_DISABLE="1", WANDB_MODE="disabled", PYTHONDONTWRITEBYTECODE="1",
                      TMPDIR=str(folder / "tmp"), MPLCONFIGDIR=str(folder / "tmp"), TQDM_DISABLE="1", TORCH_COMPILE_DISABLE="1")  # fmt: skip
    (folder / "tmp").mkdir(exist_ok=True)
    sys.dont_write_bytecode = True
    forbid_writing(str(folder))
    answer = _watched(order, folder)
    Path(order["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)


def _watched(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    from ..facts import Facts
    from ..judge import judge
    from ..reading.read import read
    from .execute import execute
    from .recorder import Enough, Recorder
    from .statement import statement

    recorder = Recorder(order["budget"], order["limit_s"])
    _prepare(order, recorder, Enough)
    quit_now, path = os._exit, Path(order["file"])
    build(Overlay(folder / "disk", (str(folder),)))

    def enough(*_: Any) -> Any:
        recorder.run.left = True
        raise Enough

    os._exit = enough  # type: ignore[assignment]
    run = execute(order["text"], order["file"], recorder)
    os._exit = quit_now
    signal.setitimer(signal.ITIMER_REAL, 0) if hasattr(signal, "setitimer") else None
    source = read(order["text"], order["file"])
    report = judge(Facts(source, run), order["text"].splitlines(), str(path), order["ignore"])
    return {**report.to_dict(), "statement": statement(run)}


def _prepare(order: dict[str, Any], recorder: Any, enough: type[BaseException]) -> None:
    """Arguments, the script's folder for imports, no input, and an alarm that ends what never ends."""
    script = Path(order["file"])
    sys.argv = [str(script), *order["argv"]]
    sys.path[:0] = [str(script.parent)]

    def ring(*_: Any) -> None:
        raise enough

    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, order["limit_s"], 1.0)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: setattr(recorder, "active", False))


if __name__ == "__main__":
    main(sys.argv[1])

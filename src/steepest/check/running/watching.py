"""An existing loop is watched for its first steps: the recorder is entered for them, and nothing is left behind."""

from __future__ import annotations

import inspect
import sys
import warnings
from pathlib import Path
from typing import Any

from ..facts import Facts
from ..finding import Report
from ..judge import judge
from .recorder import Recorder

TRACED_STEPS = 3


class Watch:
    """A context manager; `report` holds what was found, after the given steps or at the end of the block."""

    def __init__(self, model: Any = None, optimizer: Any = None, steps: int = 30, ignore: tuple[str, ...] = ()) -> None:
        self.steps, self.ignore = steps, ignore
        self.recorder = Recorder(budget=steps, limit_s=float("inf"))
        self.given = [o for o in (optimizer if isinstance(optimizer, (list, tuple)) else [optimizer]) if o is not None]
        self.model = model
        self.report = Report()
        self._open: Any = None

    def __enter__(self) -> Watch:
        for optimizer in self.given:
            self.recorder.optimizer_built(optimizer)
        frame = inspect.currentframe()
        self.file = frame.f_back.f_code.co_filename if frame and frame.f_back else ""
        self.recorder.stops_tracing_after = TRACED_STEPS
        self.recorder.n_gradients = 2 * TRACED_STEPS
        self.recorder.when_stepped = self._stepped
        self._open = self.recorder.recording()
        self._open.__enter__()
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self._finish()

    def _stepped(self, steps: int) -> None:
        if steps >= self.steps:
            self._finish()

    def _finish(self) -> None:
        if self._open is None:
            return
        opened, self._open = self._open, None
        opened.__exit__(None, None, None)
        self.recorder.run.ended = "watched"
        lines = Path(self.file).read_text(encoding="utf-8").splitlines() if Path(self.file).is_file() else []
        self.report = judge(Facts(None, self.recorder.run), lines, self.file, self.ignore)
        if self.report.errors:
            warnings.warn(f"steepest.watch found mistakes:\n{self.report}", stacklevel=2)
        elif self.report.findings:
            print(self.report, file=sys.stderr)

"""Ctrl-C asks the run to end after the step that it is in; a second one ends it at once.

SIGTERM, which clusters send before they kill, asks the same; then the process ends with 143, as it would have at once.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interruptible:
    """`with Interruptible() as asked: ... if asked: stop`. The handler that was there is put back.

    Other threads have none.
    """

    def __init__(self) -> None:
        self._asked = self._is_terminated = False
        self._before: Any = None
        self._term_before: Any = None
        self._is_main = threading.current_thread() is threading.main_thread()

    def __bool__(self) -> bool:
        return self._asked

    def __enter__(self) -> Interruptible:
        if self._is_main:
            self._before = signal.getsignal(signal.SIGINT)
            if self._before is signal.default_int_handler:
                signal.signal(signal.SIGINT, self._handle)
            self._term_before = signal.getsignal(signal.SIGTERM)
            if self._term_before is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._terminate)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_main and self._before is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._before)
        if self._is_main and self._term_before is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if self._is_terminated:
            raise SystemExit(128 + signal.SIGTERM)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._asked = self._is_terminated = True

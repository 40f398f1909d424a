"""Ctrl-C asks the run to end after the step that it is in; a second one ends it at once."""

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
        self._asked = False
        self._before: Any = None
        self._is_main = threading.current_thread() is threading.main_thread()

    def __bool__(self) -> bool:
        return self._asked

    def __enter__(self) -> Interruptible:
        if self._is_main:
            self._before = signal.getsignal(signal.SIGINT)
            if self._before is signal.default_int_handler:
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_main and self._before is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True

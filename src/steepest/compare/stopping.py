"""Ctrl-C while a study runs: the wish is acknowledged at once, though it is followed after the rung."""

from __future__ import annotations

from collections.abc import Callable

from steepest.core.progress import Progress

WORDS = "Stopping after this rung, which is then saved. Ctrl-C again stops at once."


class TellsOnce:
    """A listener that passes everything on, and tells once that the study is about to stop."""

    def __init__(self, listener: Progress, is_stop_asked: Callable[[], bool]) -> None:
        self._listener, self._is_stop_asked, self._has_told = listener, is_stop_asked, False

    def start(self, total_epochs: float, text: str) -> None:
        self._listener.start(total_epochs, text)

    def advance(self, epochs: float) -> None:
        if self._is_stop_asked() and not self._has_told:
            self._has_told = True
            self._listener.say(WORDS)
        self._listener.advance(epochs)

    def say(self, text: str) -> None:
        self._listener.say(text)

    def stop(self) -> None:
        self._listener.stop()

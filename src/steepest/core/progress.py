"""What a long study shows while it works: a bar with elapsed time and an estimate, its decisions as lines above it.

On a terminal, a bar on stderr; elsewhere (a file, a pipe) only the lines; nothing for work of less than two seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

PATIENCE_S = 2.0
"""Work that ends sooner is shown as nothing: a bar that flashes by tells nobody anything."""
JUMP_S = 0.2
"""What is done in the first moments was read from a store, not trained: it says nothing about the speed."""


class Progress(Protocol):
    """What a study tells while it works; anything with these four methods can listen."""

    def start(self, total_epochs: float, text: str) -> None: ...

    def advance(self, epochs: float) -> None: ...

    def say(self, text: str) -> None: ...

    def stop(self) -> None: ...


class Silent:
    """Hears everything and shows nothing."""

    def start(self, total_epochs: float, text: str) -> None:
        pass

    def advance(self, epochs: float) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def stop(self) -> None:
        pass


class Bar:
    """The default: lines and, on a terminal, a bar. A thread brings it up when the work outlasts `patience_s`."""

    def __init__(self, console: Any = None, patience_s: float = PATIENCE_S) -> None:
        self._console = console
        self._patience_s = patience_s
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._display: Any = None
        self._is_shown = False
        self._held_back: list[str] = []
        self._current = ""
        self._pace = Pace(0.0)

    def start(self, total_epochs: float, text: str) -> None:
        with self._lock:
            self._pace = Pace(total_epochs)
            self.say(text)
            if self._timer is None and not self._is_shown:
                self._timer = threading.Timer(self._patience_s, self._show)
                self._timer.daemon = True
                self._timer.start()

    def advance(self, epochs: float) -> None:
        with self._lock:
            self._pace.add(epochs)
            if self._display is not None:
                self._display.update(self._display.task_ids[0], completed=self._pace.share)

    def say(self, text: str) -> None:
        """The newest line stands beside the bar; it moves above it when the next one comes."""
        with self._lock:
            if self._is_shown:
                self._print(text)
            else:
                self._held_back.append(text)

    def stop(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._display is not None:
                self._display.stop()
                self._display = None
                self._write(self._current)
            self._is_shown, self._held_back, self._current = False, [], ""

    def _show(self) -> None:
        with self._lock:
            if self._timer is None:  # stopped in the meantime
                return
            self._timer, self._is_shown = None, True
            if self._console is None:
                from rich.console import Console

                self._console = Console(stderr=True, highlight=False)
            if self._console.is_terminal or self._console.is_jupyter:
                self._display = _display(self._console, lambda: self._current, lambda: self._pace.words())
                self._display.add_task("", total=1.0, completed=self._pace.share)
                self._display.start()
            for line in self._held_back:
                self._print(line)
            self._held_back = []

    def _print(self, text: str) -> None:
        if self._display is None:
            self._write(text)
        else:
            above, self._current = self._current, text
            self._write(above)
            self._display.refresh()

    def _write(self, text: str) -> None:
        if text:
            self._console.print(text, markup=False, soft_wrap=not self._console.is_terminal)


class Pace:
    """How much is done, and how long the rest will take at the speed so far."""

    def __init__(self, total: float) -> None:
        self.total, self.done = total, 0.0
        self._begun = time.monotonic()
        self._before = 0.0

    def add(self, epochs: float) -> None:
        self.done += epochs
        if self.elapsed_s < JUMP_S:
            self._before = self.done

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begun

    @property
    def share(self) -> float:
        """0 to 1. The total is a forecast: work beyond it stays at 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    def remaining_s(self) -> float | None:
        """None while nothing is known."""
        trained = self.done - self._before
        if trained <= 0:
            return None
        return max(0.0, self.total - self.done) * self.elapsed_s / trained

    def words(self) -> str:
        left = self.remaining_s()
        return f"{duration(self.elapsed_s)}" + (
            "" if left is None else f", about {duration(left)} left" if left >= 1 else ", nearly done"
        )


def duration(seconds: float) -> str:
    """ "7 s", "2 min 05 s", "1 h 02 min"."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def progress_of(wanted: bool | Progress) -> Progress:
    """True: the bar; False: nothing; else the listener that was given."""
    if wanted is True:
        return Bar()
    return Silent() if wanted is False else wanted


def _display(console: Any, current: Callable[[], str], times: Callable[[], str]) -> Any:
    """Two lines that stay at the bottom: what is being done, and the bar."""
    from rich.progress import BarColumn, ProgressColumn, TaskProgressColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Times(ProgressColumn):
        """Elapsed and estimated time, on our own clock."""

        def render(self, task: Any) -> Text:
            return Text(times(), style="progress.remaining")

    class TwoLines(RichProgress):
        def get_renderables(self) -> Iterable[Any]:
            yield Text(current(), no_wrap=True, overflow="ellipsis")
            yield self.make_tasks_table(self.tasks)

    return TwoLines(
        BarColumn(bar_width=40), TaskProgressColumn(), Times(), console=console, transient=True, refresh_per_second=4
    )

"""Progress: silent for short work, lines in a file, a bar on a terminal, and any listener of the user."""

from __future__ import annotations

import io
import threading
import time

import pytest
from rich.console import Console

from steepest.core import progress
from steepest.core.progress import Bar, Pace, Silent, duration, progress_of


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def heard(is_terminal: bool, patience_s: float = 0.0) -> tuple[Bar, io.StringIO]:
    file = io.StringIO()
    return Bar(Console(file=file, force_terminal=is_terminal, width=80, highlight=False), patience_s), file


def wait_until_shown(bar: Bar) -> None:
    end = time.monotonic() + 10
    while not bar._is_shown and time.monotonic() < end:
        threading.Event().wait(0.005)
    assert bar._is_shown


def test_work_that_ends_at_once_shows_nothing():
    for is_terminal in (True, False):
        bar, file = heard(is_terminal, patience_s=1000.0)
        bar.say("measuring")
        bar.start(10, "ten epochs")
        bar.advance(10)
        bar.say("done")
        bar.stop()
        assert file.getvalue() == ""


def test_nothing_appears_after_the_end_of_the_work():
    bar, file = heard(False, patience_s=0.05)
    bar.start(10, "ten epochs")
    bar.stop()
    threading.Event().wait(0.1)
    assert file.getvalue() == ""


def test_in_a_file_there_is_one_line_for_each_message_and_no_bar():
    bar, file = heard(False)
    bar.say("measuring")
    bar.start(10, "ten epochs")
    wait_until_shown(bar)
    bar.advance(5)
    bar.say("search 1: [red]3 trials[/red]")
    bar.stop()
    assert file.getvalue().splitlines() == ["measuring", "ten epochs", "search 1: [red]3 trials[/red]"]


def test_on_a_terminal_there_is_a_bar_and_the_messages_stay():
    bar, file = heard(True)
    bar.start(10, "ten epochs")
    wait_until_shown(bar)
    bar.advance(4)
    bar.say("search 1: [red]3 trials[/red]")
    bar.say("race")
    bar.stop()
    shown = file.getvalue()
    assert "40%" in shown and "━" in shown
    assert all(line in shown for line in ("ten epochs", "search 1: [red]3 trials[/red]", "race"))
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")  # the cursor is back


def test_the_estimate_is_the_time_that_the_rest_takes_at_the_speed_so_far(clock):
    pace = Pace(100.0)
    assert pace.remaining_s() is None
    clock[0] += 10
    pace.add(20)
    assert pace.remaining_s() == pytest.approx(40) and pace.share == pytest.approx(0.2)
    assert pace.words() == "10 s, about 40 s left"


def test_rungs_read_from_a_store_do_not_count_as_speed(clock):
    pace = Pace(100.0)
    pace.add(50)
    clock[0] += 10
    pace.add(10)
    assert pace.share == pytest.approx(0.6) and pace.remaining_s() == pytest.approx(40)


def test_work_beyond_the_forecast_stays_at_the_end_of_the_bar(clock):
    pace = Pace(10.0)
    clock[0] += 5
    pace.add(30)
    assert pace.share == 1.0 and pace.remaining_s() == 0.0 and "nearly done" in pace.words()
    assert Pace(0.0).share == 0.0


def test_durations_are_told_in_two_units_at_most():
    assert [duration(s) for s in (0.4, 59.9, 65, 3599, 3720)] == [
        "0 s",
        "59 s",
        "1 min 05 s",
        "59 min 59 s",
        "1 h 02 min",
    ]


def test_what_listens_is_the_bar_nothing_or_the_users_own():
    own = Silent()
    assert isinstance(progress_of(True), Bar) and isinstance(progress_of(False), Silent) and progress_of(own) is own

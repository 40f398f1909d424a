"""Makes the n-th durable operation fail: opening, flushing or renaming a file, any statement of SQLite."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from steepest.results import durable


class Faults:
    """Counts operations; at number `at` it acts: "before" raises instead of the operation, "after" raises once it is
    done (a failure that is reported though the disk has the data), "kill" ends the process like kill -9.
    """

    def __init__(self, at: int, act: str) -> None:
        self.at, self.act, self.count = at, act, 0

    @property
    def has_struck(self) -> bool:
        return self.count >= self.at

    def around(self, operation: Callable[..., Any], failure: Exception) -> Callable[..., Any]:
        def attempted(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            strikes = self.count == self.at
            if strikes and self.act == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if strikes and self.act == "before":
                raise failure
            result = operation(*args, **kwargs)
            if strikes:
                if isinstance(result, sqlite3.Cursor):
                    result.close()  # else the traceback would keep an unfinished statement, and with it a lock
                raise failure
            return result

        return attempted


@contextlib.contextmanager
def faults(at: int, act: str) -> Iterator[Faults]:
    found = Faults(at, act)
    full = OSError(errno.ENOSPC, "No space left on device")
    database_full = sqlite3.OperationalError("database or disk is full")

    class Connection(sqlite3.Connection):
        def execute(self, *args: Any) -> sqlite3.Cursor:
            cursor: sqlite3.Cursor = found.around(super().execute, database_full)(*args)
            return cursor

        def executemany(self, *args: Any) -> sqlite3.Cursor:
            cursor: sqlite3.Cursor = found.around(super().executemany, database_full)(*args)
            return cursor

    real_connect = sqlite3.connect

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real_connect(*args, factory=Connection, **kwargs)
        return connection

    with contextlib.ExitStack() as patches:
        for name in ("open", "fsync", "replace"):
            patches.enter_context(mock.patch.object(durable.os, name, found.around(getattr(os, name), full)))
        patches.enter_context(mock.patch.object(sqlite3, "connect", connect))
        yield found

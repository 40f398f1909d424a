"""The store file from outside: its tables, its format number, and what makes a file not ours, too new or broken."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from steepest.core.errors import StoreError
from steepest.results.durable import unwritable

FILE = "store.sqlite"
APPLICATION = 0x53545053  # "STPS" in the file's header: a store of Steepest
FORMAT = 1
MAGIC = b"SQLite format 3\x00"

# The journal only ever grows: one row per transaction, whose digest seals the row, its records and all before it.
TABLES = (
    "CREATE TABLE journal (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, "
    "seconds REAL NOT NULL, payload TEXT NOT NULL, digest TEXT NOT NULL)",
    "CREATE TABLE outcome (position INTEGER PRIMARY KEY, entry INTEGER NOT NULL, payload TEXT NOT NULL)",
    "CREATE TABLE event (position INTEGER PRIMARY KEY, entry INTEGER NOT NULL, payload TEXT NOT NULL)",
)

_REFUSALS = {
    "is full": errno.ENOSPC,
    "readonly": errno.EACCES,
    "unable to open": errno.EACCES,
    "disk I/O error": errno.EIO,
    "locked": errno.EBUSY,
}


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """mode as in SQLite's file names: rwc (create), rw, ro. Transactions are begun and ended by hand."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, timeout=10.0)


def connect_writer(path: Path) -> sqlite3.Connection:
    # fullfsync: on macOS a plain flush stops at the disk's own cache.
    return _prepared(
        connect(path, "mode=rw"), "journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "checkpoint_fullfsync=ON"
    )


def connect_reader(path: Path) -> sqlite3.Connection:
    """Reads while a writer works, and from a folder that cannot be written."""
    if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        mode = "mode=rw"  # with query_only, not ro: a read-only connection leaves its -wal and -shm files behind
    elif log_of(path).exists():
        mode = "mode=ro"
    else:
        mode = "mode=ro&immutable=1"  # nobody can write here, so no lock is needed
    return _prepared(connect(path, mode), "query_only=ON")


def _prepared(connection: sqlite3.Connection, *settings: str) -> sqlite3.Connection:
    """trusted_schema off: the views and triggers of a foreign file run nothing."""
    try:
        for setting in ("trusted_schema=OFF", "cell_size_check=ON", *settings):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


def lay_tables(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id={APPLICATION}")
    connection.execute(f"PRAGMA user_version={FORMAT}")
    for table in TABLES:
        connection.execute(table)


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def refuse_unless_store(path: Path) -> None:
    """Raises StoreError for a missing, empty or foreign file, before SQLite touches it."""
    try:
        with open(path, "rb") as file:
            head = file.read(len(MAGIC))
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise unreadable(path, f"it cannot be read ({error.strerror})") from error
    if head != MAGIC:
        raise unreadable(
            path, "the file is empty (0 bytes)" if not head else f"it is no SQLite file (it begins with {head!r})"
        )


def refuse_other_formats(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")]
    if application != APPLICATION:
        holds = "it holds the tables " + ", ".join(tables[:5]) if tables else "it holds no table"
        raise StoreError(
            where=str(path),
            seen=f"this SQLite file belongs to another program ({holds})",
            needed="a store written by Steepest was needed",
            consequence="The file was not changed.",
            repair="Choose another folder with --out.",
        )
    if version > FORMAT:
        raise StoreError(
            where=str(path),
            seen=f"the store has format {version}",
            needed=f"this version of Steepest reads formats up to {FORMAT}",
            consequence="The file was not changed.",
            repair="Install a newer version: pip install --upgrade steepest.",
        )
    if version < 1 or [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master ORDER BY rowid")] != list(
        TABLES
    ):
        raise unreadable(path, "its tables are not those of a store")


def unreadable(path: Path, seen: str) -> StoreError:
    """A file that exists and cannot be trusted: say what is broken, change nothing."""
    return StoreError(
        where=str(path),
        seen=seen,
        needed="an undamaged store was needed",
        consequence="Nothing was changed, and nothing in it is used.",
        repair=f"Put back a copy of {path.parent} from before the damage, or begin again in another folder with --out.",
    )


def damage(path: Path, words: str) -> StoreError:
    """What SQLite or a digest found broken, with the size of the file where that explains it."""
    return unreadable(path, _cut_off(path) or words)


def translate(error: sqlite3.Error, path: Path, consequence: str) -> StoreError:
    """SQLite's refusal in the reader's words."""
    text = str(error)
    if isinstance(error, sqlite3.OperationalError):
        for words, number in _REFUSALS.items():
            if words in text:
                return unwritable(OSError(number, text), path, consequence)
    return damage(path, f"SQLite says: {text}")


def _cut_off(path: Path) -> str:
    """The header counts the pages; with a log beside it a shorter file may still be whole."""
    log = log_of(path)
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(100)
        if len(head) < 100:
            return f"the file is cut off: {size} bytes are there, less than a header"
        page = int.from_bytes(head[16:18], "big")
        needed = (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
        if size < needed and not (log.exists() and log.stat().st_size):
            return f"the file is cut off: {size:,} of {needed:,} bytes are there"
    except OSError:
        return ""
    return ""


def _missing(path: Path) -> StoreError:
    folder = path.parent
    if log_of(path).exists():
        seen = f"there is {log_of(path).name} but no {FILE}: the study's main file was removed"
        repair = f"Put {FILE} back, or choose another folder."
    else:
        seen = f"there is no {FILE} in it" if folder.is_dir() else "there is no such folder"
        repair = "Is it the folder that --out named? Start a study there with: steepest compare ... --out " + str(
            folder
        )
    return StoreError(where=str(folder), seen=seen, needed="the folder of a study was needed", repair=repair)

"""The journal inside the store: one sealed entry per transaction, appended and never changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from steepest.results import layout


@dataclass(frozen=True)
class Entry:
    """What one transaction adds. kind: plan, rung or verdict; the rest is JSON text of the records."""

    kind: str
    name: str = ""
    seconds: float = 0.0
    payload: str = ""
    outcomes: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def seal(self, before: str) -> str:
        """SHA-256 over the entry and the seal before it: SQLite by itself does not notice a flipped bit in a value."""
        head = [before, self.kind, self.name, self.seconds, len(self.outcomes), len(self.events)]
        digest = hashlib.sha256(json.dumps(head).encode())
        for text in (self.payload, *self.outcomes, *self.events):
            digest.update(b"\n" + text.encode())
        return digest.hexdigest()


def append(connection: sqlite3.Connection, entry: Entry) -> None:
    """Within a transaction of the caller's."""
    # Asked of the file, not remembered: an interrupt just after a commit would leave a remembered seal one behind.
    last = connection.execute("SELECT digest FROM journal ORDER BY position DESC LIMIT 1").fetchone()
    seal = entry.seal(last[0] if last else "")
    row = connection.execute(
        "INSERT INTO journal (kind, name, seconds, payload, digest) VALUES (?, ?, ?, ?, ?)",
        (entry.kind, entry.name, entry.seconds, entry.payload, seal),
    ).lastrowid
    connection.executemany(
        "INSERT INTO outcome (entry, payload) VALUES (?, ?)", [(row, text) for text in entry.outcomes]
    )
    connection.executemany("INSERT INTO event (entry, payload) VALUES (?, ?)", [(row, text) for text in entry.events])


def has_rung(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute("SELECT 1 FROM journal WHERE kind = 'rung' AND name = ?", (name,)).fetchone() is not None


def entries(connection: sqlite3.Connection, path: Path) -> list[Entry]:
    """All entries in order, as of one moment, each checked against its seal; StoreError says which one differs."""
    with transaction(connection, "BEGIN"):
        rows = connection.execute(
            "SELECT position, kind, name, seconds, payload, digest FROM journal ORDER BY position"
        ).fetchall()
        outcomes = _by_entry(connection, "outcome")
        events = _by_entry(connection, "event")
    found: list[Entry] = []
    seal = ""
    for position, kind, name, seconds, payload, digest in rows:
        entry = Entry(kind, name, seconds, payload, outcomes.pop(position, []), events.pop(position, []))
        seal = entry.seal(seal)
        if seal != digest:
            what = f"the rung {name!r}" if kind == "rung" else f"the entry {kind!r}"
            raise layout.damage(path, f"{what} (number {len(found) + 1} of {len(rows)}) differs from what was written")
        found.append(entry)
    if outcomes or events:
        raise layout.damage(path, "records are there whose entry in the journal is missing")
    return found


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """All of the block or nothing of it, whatever ends it."""
    try:
        connection.execute(begin)
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # after some failures SQLite has already rolled back by itself
            connection.execute("ROLLBACK")
        raise


def _by_entry(connection: sqlite3.Connection, table: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for entry, payload in connection.execute(f"SELECT entry, payload FROM {table} ORDER BY position"):
        found.setdefault(entry, []).append(payload)
    return found

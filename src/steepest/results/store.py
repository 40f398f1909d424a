"""The store of a study: every rung is kept whole or not at all, so `kill -9` at any moment costs one rung at most."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from steepest.core.errors import StoreError
from steepest.results import journal, layout
from steepest.results.durable import flush_folder, move, sweep, unwritable
from steepest.results.identity import differing_fields
from steepest.results.journal import Entry
from steepest.results.lock import FolderLock
from steepest.results.payload import from_text, to_text
from steepest.results.records import Event, Outcome, Plan, Study, Verdict


class Store:
    """The one writer of a study's folder: `Store.create` begins a study, `Store.open` continues one; both lose nothing.

    One transaction per rung holds the whole population's outcomes (SQLite, WAL, synchronous=FULL). Use it as a context
    manager, or call close(). Readers use `read_study(folder)`, which needs no lock and works while a writer does.
    """

    def __init__(self, path: Path, lock: FolderLock) -> None:
        """For create and open, which have looked at the file and hold its lock."""
        # Absolute: a program that changes its directory goes on writing the same folder.
        self.path, self._lock, self._pid = path.absolute(), lock, os.getpid()
        self._connection = layout.connect_writer(path)
        self._file = os.stat(path)

    @classmethod
    def exists(cls, folder: str | os.PathLike[str]) -> bool:
        """True when the folder holds a file that a new study must not touch."""
        path = Path(folder) / layout.FILE
        return path.exists() or path.is_symlink() or layout.log_of(path).exists()

    @classmethod
    def create(cls, folder: str | os.PathLike[str], plan: Plan, events: Sequence[Event] = ()) -> Store:
        """Begin a study; its plan, and what was decided with it, is on the disk when this returns.

        StoreError when the folder holds a study.
        """
        path = Path(folder) / layout.FILE
        _make_folder(path)
        with _locked(path) as lock:
            if cls.exists(folder):
                raise _occupied(path, plan)
            _lay_down(path, plan, events)
            return cls(path, lock)

    @classmethod
    def open(cls, folder: str | os.PathLike[str], plan: Plan | None = None) -> Store:
        """Continue the study of a folder. With `plan`: StoreError when the study there asks another question."""
        path = Path(folder) / layout.FILE
        layout.refuse_unless_store(path)
        with _locked(path) as lock:
            stored = _read(path).plan  # through a connection that changes nothing, before the first one that may
            if plan is not None and (different := differing_fields(stored, plan)):
                raise _another_study(path, different)
            sweep(path.parent)
            return cls(path, lock)

    def write_rung(self, name: str, outcomes: Sequence[Outcome], events: Sequence[Event], seconds: float) -> None:
        """All of a rung, or nothing of it, whatever happens meanwhile. A rung is written once."""
        self._refuse_if_removed()
        with _translated(self.path):
            is_stored = journal.has_rung(self._connection, name)
        if is_stored:
            raise StoreError(
                where=str(self.path),
                seen=f"the rung {name!r} is already stored",
                needed="every rung is written once",
                repair="Skip the rungs in read().finished_rungs, or give this one another name.",
            )
        self._append(
            Entry(
                "rung",
                name,
                float(seconds),
                outcomes=[to_text(o) for o in outcomes],
                events=[to_text(e) for e in events],
            )
        )

    def write_verdict(self, verdict: Verdict, events: Sequence[Event] = ()) -> None:
        """With what was decided since the last rung. The last verdict written is the study's."""
        self._append(Entry("verdict", payload=to_text(verdict), events=[to_text(e) for e in events]))

    def read(self) -> Study:
        """Everything stored so far, each transaction checked against its seal."""
        with _translated(self.path):
            return _study(self._connection, self.path)

    def close(self) -> None:
        if self._pid != os.getpid():  # inherited by fork: the parent's to close
            return
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, entry: Entry) -> None:
        self._refuse_if_removed()
        safe = f"Every rung stored before is safe: go on with steepest resume {self.path.parent} once this is repaired."
        with _translated(self.path, safe), journal.transaction(self._connection):
            journal.append(self._connection, entry)

    def _refuse_if_removed(self) -> None:
        """On Linux a removed file can still be written, and all of it is lost at the end."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if os.path.samestat(os.stat(self.path), self._file):
                return
        raise StoreError(
            where=str(self.path),
            seen="the store was removed or replaced while the study ran",
            needed="the folder of a running study must stay in place",
            consequence="What is written now would be lost with the removed file.",
            repair="Put the folder back where it was and run again, or begin again in another folder with --out.",
        )


def read_study(folder: str | os.PathLike[str]) -> Study:
    """All that the folder's store holds, for a report: takes no lock, changes nothing, works while a writer does."""
    path = Path(folder) / layout.FILE
    layout.refuse_unless_store(path)
    return _read(path)


def _read(path: Path) -> Study:
    with _translated(path), contextlib.closing(layout.connect_reader(path)) as connection:
        layout.refuse_other_formats(connection, path)
        return _study(connection, path)


def _study(connection: sqlite3.Connection, path: Path) -> Study:
    entries = journal.entries(connection, path)
    rungs = {entry.name: entry.seconds for entry in entries if entry.kind == "rung"}
    plans = [Plan.of(from_text(entry.payload)) for entry in entries if entry.kind == "plan"]
    verdicts = [Verdict.of(from_text(entry.payload)) for entry in entries if entry.kind == "verdict"]
    if len(plans) != 1:
        raise layout.damage(path, f"it holds {len(plans)} plans")
    return Study(
        plan=plans[0],
        outcomes=[Outcome.of(from_text(text)) for entry in entries for text in entry.outcomes],
        events=[Event.of(from_text(text)) for entry in entries for text in entry.events],
        verdict=verdicts[-1] if verdicts else None,
        seconds=sum(rungs.values()),
        rung_seconds=rungs,
        finished_rungs=list(rungs),
    )


def _make_folder(path: Path) -> None:
    folder = path.parent
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error, folder) from error
    with contextlib.suppress(OSError):  # a folder above that may be entered but not read
        flush_folder(folder.absolute().parent)


def _lay_down(path: Path, plan: Plan, events: Sequence[Event]) -> None:
    """The store appears under its name together with its plan, in one step: a killed start leaves a study or none."""
    draft = path.with_name(path.name + ".new")
    remains = (draft, draft.with_name(draft.name + "-journal"))
    _remove(remains)  # of a start that was killed; the lock says that nobody else is writing them
    try:
        with contextlib.closing(layout.connect(draft, "mode=rwc")) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            with journal.transaction(connection):
                layout.lay_tables(connection)
                journal.append(
                    connection, Entry("plan", payload=to_text(plan), events=[to_text(event) for event in events])
                )
        move(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            _remove(remains)
        raise


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[FolderLock]:
    """The folder's lock, given back when the block fails and kept when it succeeds; SQLite's refusals become ours."""
    lock = FolderLock(path.parent)
    try:
        with _translated(path):
            yield lock
    except BaseException:
        lock.release()
        raise


@contextlib.contextmanager
def _translated(path: Path, consequence: str = "Nothing was half-written.") -> Iterator[None]:
    try:
        yield
    except (StoreError, sqlite3.ProgrammingError):  # the second: a closed store, another thread; a bug of the caller's
        raise
    except sqlite3.Error as error:
        raise layout.translate(error, path, consequence) from error
    except OSError as error:
        raise unwritable(error, path, consequence) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # Sealed, yet not a record: written by a program that knows how to seal.
        raise layout.damage(path, f"its content is no study ({type(error).__name__}: {error})") from error


def _occupied(path: Path, plan: Plan) -> StoreError:
    layout.refuse_unless_store(path)
    study = _read(path)
    if different := differing_fields(study.plan, plan):
        return _another_study(path, different)
    state = "finished" if study.verdict is not None else f"unfinished, rungs stored: {len(study.finished_rungs)}"
    return StoreError(
        where=str(path.parent),
        seen=f"this very study is already there ({state})",
        needed="a folder without a study was needed",
        consequence="Nothing was changed.",
        repair=f"Continue it with: steepest resume {path.parent}, or choose another folder with --out.",
    )


def _another_study(path: Path, different: list[str]) -> StoreError:
    return StoreError(
        where=str(path.parent),
        seen="the folder holds another study (" + "; ".join(different) + ")",
        needed="one folder holds one study",
        consequence="Nothing was changed.",
        repair=f"Choose another folder with --out, or continue the study that is there: steepest resume {path.parent}.",
    )

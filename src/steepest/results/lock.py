"""One writer per folder: a lock that the operating system itself releases when its owner dies."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import weakref
from datetime import datetime
from pathlib import Path

from steepest.core.errors import StoreError
from steepest.results.durable import unwritable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_held: weakref.WeakSet[FolderLock] = weakref.WeakSet()


class FolderLock:
    """Held from construction to release(); the lock file names its owner: pid, host, since.

    Raises StoreError naming the owner when another process, or another Store of this one, holds the folder.
    """

    def __init__(self, folder: Path, work: str = "study") -> None:
        self.folder, self.work = folder.absolute(), work
        self.path = self.folder / "store.lock"
        self._handle: int | None = self._acquire()
        _held.add(self)

    @property
    def is_held(self) -> bool:
        return self._handle is not None

    def release(self) -> None:
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        if fcntl is not None:
            # Removed while still locked: whoever opened this very file meanwhile sees its name gone and tries again.
            with contextlib.suppress(OSError):
                self.path.unlink()
        os.close(handle)

    def forget(self) -> None:
        """Let go of a lock inherited by fork: the parent keeps it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _acquire(self) -> int:
        while True:
            try:
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise unwritable(error, self.path) from error
            try:
                self._take(handle)
                if _is_still_named(handle, self.path):
                    _sign(handle)
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _take(self, handle: int) -> None:
        try:
            _lock_or_raise(handle)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise self._refusal() from None
            raise StoreError(
                where=str(self.folder),
                seen=f"its file system keeps no locks ({error.strerror})",
                needed="a folder on a disk that can be locked was needed",
                consequence="Two studies could write the same store without noticing.",
                repair="Choose a folder on a local disk with --out.",
            ) from error

    def _refusal(self) -> StoreError:
        return StoreError(
            where=str(self.folder),
            seen=f"{_owner(self.path)} is at work on the {self.work} in this folder",
            needed=f"one {self.work} at a time can write a folder",
            repair="Wait until it has finished or stop it, or choose another folder with --out."
            + (" Reading works meanwhile: steepest report." if self.work == "study" else ""),
        )


def _lock_or_raise(handle: int) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt  # exists on Windows only

    os.lseek(handle, 1 << 30, os.SEEK_SET)  # a byte far past the text, so that the owner's name stays readable
    msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]


def _is_still_named(handle: int, path: Path) -> bool:
    """False when the previous owner removed the file between our opening and our locking it."""
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), named)


def _sign(handle: int) -> None:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    with contextlib.suppress(OSError):  # the signature only informs; a full disk must not cost the lock
        os.write(handle, text.encode())


def _owner(path: Path) -> str:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        who = (
            "this process"
            if (facts["pid"], facts["host"]) == (os.getpid(), socket.gethostname())
            else "another process"
        )
        return f"{who} (pid {facts['pid']} on {facts['host']}, since {facts['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()


if hasattr(os, "register_at_fork"):
    # A data loader's worker inherits open files and would keep the lock of a parent that was killed.
    os.register_at_fork(after_in_child=_forget_all)

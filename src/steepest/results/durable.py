"""One way to put a file on disk: whole or not at all, even when the power fails in the middle."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from pathlib import Path

from steepest.core.errors import StoreError

TEMPORARY = re.compile(r"\.[0-9a-f]{12}\.tmp")


def atomic_write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write text (UTF-8) or bytes so that a reader meets the old file or the new one, never a part.

    A new file in the same folder is filled, flushed to the disk and renamed over `path`; then the folder is flushed.
    Raises StoreError (and leaves `path` as it was) when the folder is missing or unwritable or the disk is full.
    """
    target = Path(path)
    data = content.encode("utf-8") if isinstance(content, str) else content
    # A short name: one derived from the target's could exceed the 255 bytes that a file system allows.
    temporary = target.parent / f".{secrets.token_hex(6)}.tmp"
    try:
        try:
            _fill(temporary, data)
            move(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise unwritable(error, target) from error


def sweep(folder: Path) -> None:
    """Remove what a killed atomic_write left in the folder. For whoever holds its lock."""
    for left in folder.glob(".*.tmp"):
        if TEMPORARY.fullmatch(left.name):
            with contextlib.suppress(OSError):
                left.unlink()


def move(source: Path, target: Path) -> None:
    """Rename within one folder so that the new name survives a power cut."""
    os.replace(source, target)
    flush_folder(target.parent)


def flush_folder(folder: Path) -> None:
    """Ask the disk to keep the folder's list of names, which a file's own flush does not cover."""
    if os.name == "nt":  # Windows opens no folders; its renames are journaled by NTFS
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: a file system that knows no such flush (some network mounts)
            raise
    finally:
        os.close(handle)


def unwritable(
    error: OSError, path: str | os.PathLike[str], consequence: str = "Nothing was half-written."
) -> StoreError:
    """The operating system's refusal in the reader's words, with the repair."""
    target = Path(path)
    seen, repair = _reason(error, target)
    return StoreError(
        where=str(target),
        seen=seen,
        needed="a file that can be written was needed",
        consequence=consequence,
        repair=repair,
    )


def _fill(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _reason(error: OSError, target: Path) -> tuple[str, str]:
    folder = target.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            f"the disk or the quota is full ({error.strerror})",
            f"Free space for {folder}, or choose another folder.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"the folder {folder} cannot be written ({error.strerror})",
            f"Make it writable (chmod u+w {folder}), or choose another folder.",
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"there is no folder {folder}", f"Create it (mkdir -p {folder}), or choose another folder."
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST) or target.is_dir():
        return "something else has this name", "Choose another name, or move away what bears it."
    if error.errno == errno.EBUSY:
        return (
            f"another program keeps it locked ({error.strerror})",
            "Close the program that has it open (a database browser, a backup).",
        )
    return f"it could not be written ({error.strerror or error})", "Choose another folder, or repair the disk."

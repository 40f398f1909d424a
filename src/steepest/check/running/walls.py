"""Nothing that the watched program writes reaches the disk outside a temporary folder.

What it writes goes into an overlay of its own, where it finds it again; on Linux the kernel (Landlock) refuses the rest, also to
programs that it starts and to code that is not Python.
"""

from __future__ import annotations

import builtins
import ctypes
import functools
import io
import os
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Overlay:
    """A folder that mirrors absolute paths. place(path, writes): where the program's path really lies."""

    def __init__(self, folder: Path, free: tuple[str, ...] = ()) -> None:
        self.folder = str(folder)
        self.free = (self.folder, os.devnull, "/dev/", "/proc/", *free)

    def mirrored(self, path: str) -> str:
        drive, rest = os.path.splitdrive(os.path.abspath(path))
        return os.path.join(self.folder, drive.strip(":\\/"), rest.lstrip("\\/"))

    def place(self, path: Any, writes: bool) -> Any:
        if isinstance(path, int) or not isinstance(path, (str, bytes, os.PathLike)):
            return path
        plain = os.fsdecode(path)
        if os.path.abspath(plain).startswith(self.free):
            return path
        mirrored = self.mirrored(plain)
        if _exists(mirrored):
            return mirrored
        if not writes:
            return path
        _real["makedirs"](os.path.dirname(mirrored), exist_ok=True)
        return mirrored


_real: dict[str, Any] = {
    "makedirs": os.makedirs,
    "mkdir": os.mkdir,
    "stat": os.stat,
    "open": builtins.open,
    "os.open": os.open,
}


def _exists(path: str) -> bool:
    try:
        _real["stat"](path)
    except OSError:
        return False
    return True


def build(overlay: Overlay) -> None:
    """Redirect Python's ways to the disk for the rest of this process."""
    _redirect_open(overlay)
    for name in ("stat", "lstat", "listdir", "scandir", "chmod", "utime", "access", "readlink", "chdir"):
        setattr(os, name, _one_path(overlay, getattr(os, name), writes=False))
    os.truncate = _one_path(overlay, os.truncate, writes=True)
    for name in ("remove", "unlink", "rmdir"):
        setattr(os, name, _removing(overlay, getattr(os, name)))
    for name in ("rename", "replace", "link", "symlink"):
        setattr(os, name, _two_paths(overlay, getattr(os, name)))
    os.mkdir = _mkdir(overlay)


def _redirect_open(overlay: Overlay) -> None:
    real, low = builtins.open, os.open

    @functools.wraps(real)
    def new_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        writes = any(c in mode for c in "wax+")
        place = overlay.place(file, writes)
        if (
            writes
            and place is not file
            and any(c in mode for c in "ar")
            and not _exists(place)
            and _exists(os.fsdecode(file))
        ):
            with real(file, "rb") as old, real(place, "wb") as copy:
                copy.write(old.read())
        return real(place, mode, *args, **kwargs)

    @functools.wraps(low)
    def new_low(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        return low(overlay.place(path, bool(flags & WRITING)), flags, *args, **kwargs)

    builtins.open = io.open = new_open  # type: ignore[assignment]
    os.open = new_low


def _one_path(overlay: Overlay, real: Any, writes: bool) -> Any:
    @functools.wraps(real)
    def redirected(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        return real(overlay.place(path, writes), *args, **kwargs)

    return redirected


def _removing(overlay: Overlay, real: Any) -> Any:
    """What lies in the overlay goes; of what lies outside the program is told that it went."""

    @functools.wraps(real)
    def remove(path: Any, *args: Any, **kwargs: Any) -> None:
        place = overlay.place(path, False)
        if (
            place is path
            and not isinstance(path, int)
            and not os.path.abspath(os.fsdecode(path)).startswith(overlay.free)
        ):
            _real["stat"](path)  # raises FileNotFoundError where there is nothing
            return
        real(place, *args, **kwargs)

    return remove


def _two_paths(overlay: Overlay, real: Any) -> Any:
    @functools.wraps(real)
    def redirected(source: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        return real(overlay.place(source, True), overlay.place(target, True), *args, **kwargs)

    return redirected


def _mkdir(overlay: Overlay) -> Any:
    real, stat = _real["mkdir"], _real["stat"]

    @functools.wraps(real)
    def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
        place = overlay.place(path, True)
        if place is not path:
            try:
                stat(path)
            except OSError:
                pass
            else:
                raise FileExistsError(17, "File exists", os.fsdecode(path))
        real(place, *args, **kwargs)

    return mkdir


# -- the kernel's wall -------------------------------------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_WRITES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13))
"""Writing, and removing and making of files, folders, links, devices, sockets."""
_PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 38


def forbid_writing(*allowed: str) -> bool:
    """Let this process and its children write below the given folders only. False where the system has no such wall."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        version = libc.syscall(_CREATE_RULESET, None, 0, 1)
        if version < 1:
            return False
        rights = _WRITES | (_TRUNCATE if version >= 3 else 0)
        handled = ctypes.c_uint64(rights)
        ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
        if ruleset < 0:
            return False
        for path in (*allowed, "/dev/null", "/dev/shm", "/proc/self"):
            _allow(libc, ruleset, path, rights)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        done = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
        os.close(ruleset)
        return bool(done)
    except (OSError, AttributeError):
        return False


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("rights", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def _allow(libc: Any, ruleset: int, path: str, rights: int) -> None:
    try:
        parent = _real["os.open"](path, os.O_RDONLY | getattr(os, "O_PATH", 0))
    except OSError:
        return
    mine = rights if os.path.isdir(path) else rights & (_WRITE_FILE | _TRUNCATE)
    rule = _Beneath(mine, parent)
    libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(parent)

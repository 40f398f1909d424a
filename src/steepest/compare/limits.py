"""How much memory trials that train together may take: what the user allows, else a share of what is free here."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch

from steepest.core.errors import UsageError

from .memory import PASSING_BYTES
from .shards import MEMORY

USUAL_BYTES = MEMORY + PASSING_BYTES
"""What the trials of a shard and their activations take at most where nothing is said and memory is plentiful."""
SHARE_ON_CPU, SHARE_ELSEWHERE = 4, 2
"""One in so many of the free bytes: on a CPU other programs and other workers live beside the trials."""
UNITS = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
NO_LIMIT = 2**60


def memory_of(asked: str | int | None, device: torch.device) -> int | None:
    """Bytes for the trials that a worker trains together, as asked ("2GB", "512MiB", bytes); UsageError for nonsense.

    Not asked for: None, the usual limits, where memory is plentiful; a quarter of what is free where it is not; on an
    accelerator half of its free memory. Shares are powers of two, so that a little more or less free changes nothing.
    """
    if asked is not None:
        return parse_bytes(asked)
    if device.type == "cuda":
        return _power_of_two(torch.cuda.mem_get_info(device)[0] // SHARE_ELSEWHERE)
    share = _power_of_two(free_bytes() // SHARE_ON_CPU)
    return None if device.type != "cpu" or share >= USUAL_BYTES else share


def parse_bytes(asked: str | int) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", str(asked).strip().lower())
    unit = None if match is None else UNITS.get(match[2] or "b")
    n_bytes = 0 if match is None or unit is None else int(float(match[1]) * unit)
    if n_bytes < 1 or isinstance(asked, bool):
        raise UsageError(
            where="memory",
            seen=repr(asked),
            needed="an amount of memory above 0 was needed",
            repair='For example "2GB", "512MiB" or a number of bytes; leave it out for a share of what is free.',
        )
    return n_bytes


def free_bytes(root: Path = Path("/")) -> int:
    """Memory that this process may still take: what the machine has left, or its control group (a container, a job).

    root: where proc and sys are mounted. Without them (macOS, Windows) half of the machine's memory, where that is known.
    """
    left = [_available(root), *(_left_in(folder) for folder in _groups(root))]
    return min((n for n in left if n is not None), default=_half_of_all())


def _available(root: Path) -> int | None:
    try:
        lines = (root / "proc/meminfo").read_text("ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _groups(root: Path) -> list[Path]:
    """The folders of this process's control group and of those around it, of both versions."""
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []
    found = []
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controllers in ("", "memory"):
            top = root / "sys/fs/cgroup" / controllers
            folder = top / path.lstrip("/")
            found += [folder, *(parent for parent in folder.parents if top in (parent, *parent.parents))]
    return found


def _left_in(group: Path) -> int | None:
    """Its limit less what it holds; files that it has read and can forget are no more its own."""
    for limit, held, forgotten in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most, used = int((group / limit).read_text("ascii")), int((group / held).read_text("ascii"))
        except (OSError, ValueError):  # no such file, or "max"
            continue
        if most < NO_LIMIT:
            return max(0, most - used + _counted(group, forgotten))
    return None


def _counted(group: Path, name: str) -> int:
    try:
        lines = (group / "memory.stat").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.split()[:1] == [name])
    except (OSError, ValueError, StopIteration):
        return 0


def _half_of_all() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return SHARE_ON_CPU * 2 * USUAL_BYTES


def _power_of_two(n_bytes: int) -> int:
    return 1 << max(0, n_bytes.bit_length() - 1)

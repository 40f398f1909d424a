"""Which devices train: what `device=` names, each checked, so that no study fails at its first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from steepest.core.errors import UsageError

PROCESSOR = "cpu"


def devices_of(asked: str | torch.device | Sequence[Any] | None) -> tuple[str, ...]:
    """The devices that are named, in order; one for each worker. UsageError for those that are not there or of two kinds.

    None: the processor. "auto": every CUDA device of this machine, else the processor. "cuda:0,cuda:1", or a list of them:
    these; the same twice is two workers.
    """
    if asked is None:
        return (PROCESSOR,)
    if isinstance(asked, str) and asked.strip() == "auto":
        return tuple(n for n in there() if n != PROCESSOR) or (PROCESSOR,)
    words = asked.split(",") if isinstance(asked, str) else list(asked) if isinstance(asked, (list, tuple)) else [asked]
    found = tuple(_checked(str(word).strip()) for word in words)
    kinds = sorted({name.split(":")[0] for name in found})
    if len(kinds) != 1:
        raise _refused(
            f"devices of {len(kinds)} kinds ({', '.join(kinds)})" if kinds else "no device",
            "devices of one kind were needed",
            "The same trial would come to other numbers where another device happened to be free." if kinds else "",
        )
    return found


def there() -> list[str]:
    """The devices of this machine that can train a study."""
    return [PROCESSOR, *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]


def _checked(name: str) -> str:
    """With its number."""
    known = f"{name}:0" if name == "cuda" else PROCESSOR if name == "cpu:0" else name
    if known not in there():
        raise _refused(repr(name), "a device of this machine that can train was needed")
    return known


def _refused(seen: str, needed: str, consequence: str = "") -> UsageError:
    return UsageError(
        where="device",
        seen=seen,
        needed=needed,
        consequence=consequence,
        repair=f'Here are: {", ".join(there())}. Several, device="cuda:0,cuda:1", share the shards; leave it out for the '
        "processor.",
    )

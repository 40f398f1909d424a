"""Named random streams: ("init", seed) never meets ("batches", seed), and a resumed run repeats the same bits.

A stream is a pure function of its purpose and keys; nothing is drawn from a global generator.
"""

from __future__ import annotations

import hashlib
import operator

import torch

Key = int | str


def seed_of(purpose: str, *keys: Key) -> int:
    """63 bits from the purpose and the keys, the same on every machine and in every version of Python."""
    text = "\x1f".join([purpose, *(_text(k) for k in keys)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _text(key: Key) -> str:
    """A number and its digits as a word differ; 3 and numpy's 3 do not; 3.0 is refused."""
    return f"str:{key}" if isinstance(key, str) else f"int:{operator.index(key)}"


def generator(purpose: str, *keys: Key) -> torch.Generator:
    """A fresh CPU generator at the start of the named stream."""
    g = torch.Generator()
    g.manual_seed(seed_of(purpose, *keys))
    return g

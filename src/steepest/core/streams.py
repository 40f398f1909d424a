"""Named random streams: ("init", seed) never meets ("batches", seed), and a resumed run repeats the same bits.

A stream is a pure function of its purpose and keys; nothing is drawn from a global generator.
"""

from __future__ import annotations

import hashlib

import torch

Key = int | str


def seed_of(purpose: str, *keys: Key) -> int:
    """63 bits from the purpose and the keys, the same on every machine and in every version of Python."""
    text = "\x1f".join([purpose, *(f"{type(k).__name__}:{k}" for k in keys)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(purpose: str, *keys: Key) -> torch.Generator:
    """A fresh CPU generator at the start of the named stream."""
    g = torch.Generator()
    g.manual_seed(seed_of(purpose, *keys))
    return g

"""The program of a worker process: its device, a trainer, then shard after shard; it ends when its study does."""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import IO

from .messages import read_frame, write_frame
from .work import Work, write_error


def main() -> None:
    # What the user's model prints must not run into the answers.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, asked), daemon=True).start()
    device, packed = asked.get().decode(), asked.get()
    try:
        work = Work(packed, device)
    except Exception as error:
        _tell(output, error)
        return
    write_frame(output, b"begun")
    while True:
        shard = asked.get()
        try:
            outcomes, weights = work.train(shard.decode())
        except Exception as error:
            _tell(output, error)
            continue
        write_frame(output, outcomes.encode())
        for name, content in weights.items():
            write_frame(output, name.encode())
            write_frame(output, content)
        write_frame(output, b"")


def _tell(output: IO[bytes], error: Exception) -> None:
    write_frame(output, b"error")
    write_frame(output, write_error(error).encode())


def _listen(pipe: IO[bytes], asked: queue.Queue[bytes]) -> None:
    """At the end of the pipe the study has gone, killed perhaps: what is being trained then is for nobody."""
    while (frame := read_frame(pipe)) is not None:
        asked.put(frame)
    os._exit(0)

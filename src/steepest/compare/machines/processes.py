"""Worker processes on this machine: each takes the next shard when it is free, and none waits for another."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from ..trainer import Shard, Trained, Trainer
from .messages import read_frame, write_frame
from .patience import MachineError, Patience
from .work import answer_of, pack, read_error, write_shard

LOOK_EVERY_S = 0.5
PROGRAM = "from steepest.compare.machines.worker import main; main()"


@dataclass(frozen=True)
class Processes:
    n_workers: int

    def open(self, trainer: Trainer) -> ProcessPool:
        return ProcessPool(trainer, self.n_workers)


class WorkerLost(Exception):
    """A worker ended before it answered."""


class ProcessPool:
    """See Machines. A thread looks after each process; both start with the first shard."""

    def __init__(self, trainer: Trainer, n_workers: int) -> None:
        self._trainer, self._n_workers = trainer, n_workers
        self._todo: queue.Queue[Shard | None] = queue.Queue()
        self._done: queue.Queue[tuple[Shard, Trained | BaseException | str]] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._workers: set[Worker] = set()
        self._patience = Patience()
        self._n_open, self._is_over = 0, False

    def submit(self, shard: Shard) -> None:
        if not self._threads:
            job = pack(self._trainer, elsewhere=False)
            self._threads = [
                threading.Thread(target=self._look_after, args=(job,), daemon=True) for _ in range(self._n_workers)
            ]
            for thread in self._threads:
                thread.start()
        self._n_open += 1
        self._todo.put(shard)

    def results(self) -> Iterator[tuple[Shard, Trained]]:
        while self._n_open:
            try:
                shard, answer = self._done.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                self._trainer.progress.advance(0)
                self._end_those_that_hang()
                continue
            if isinstance(answer, str):
                self._trainer.progress.say(answer)
                continue
            self._n_open -= 1
            if isinstance(answer, BaseException):
                raise answer
            self._trainer.progress.advance(shard.cost)
            yield shard, answer

    def cancel(self) -> None:
        self._is_over = True
        for _ in self._threads:
            self._todo.put(None)
        for worker in list(self._workers):
            worker.end()
        for thread in self._threads:
            thread.join(timeout=10)
        self._threads, self._n_open = [], 0

    def _look_after(self, job: bytes) -> None:
        """One thread's life: a process, and shard after shard through it; a new process for one that died."""
        worker: Worker | None = None
        while (shard := self._todo.get()) is not None and not self._is_over:
            try:
                if worker is None:
                    worker = Worker(job)
                    self._workers.add(worker)
                    if self._is_over:  # cancel() may have looked through the workers before this one was among them
                        break
                answer: Trained | BaseException = worker.train(shard)
                self._patience.note(shard, worker.begun)
                self._done.put((shard, answer))
            except WorkerLost as lost:
                if worker is not None:
                    self._workers.discard(worker)
                    worker.close()
                worker = None
                self._give_again(shard, lost)
            except BaseException as error:  # told to whoever waits in results()
                self._done.put((shard, error))
        if worker is not None:
            worker.close()

    def _give_again(self, shard: Shard, lost: WorkerLost) -> None:
        if self._is_over:
            return
        try:
            self._done.put((shard, self._patience.lost(shard, str(lost))))
        except MachineError as error:
            self._done.put((shard, error))
        else:
            self._todo.put(shard)

    def _end_those_that_hang(self) -> None:
        """A frozen worker is killed; its thread then sees a dead one."""
        for worker in list(self._workers):
            shard = worker.shard
            if shard is not None and self._patience.has_ended(shard, worker.begun):
                worker.end()


class Worker:
    """A process that trains, and the pipes to it."""

    def __init__(self, job: bytes) -> None:
        self.shard: Shard | None = None
        self.begun = time.monotonic()
        path = os.pathsep.join(p or os.getcwd() for p in sys.path)  # what the user's script can import, it can too
        apart: dict[str, Any] = (
            {"creationflags": 0x200} if os.name == "nt" else {"start_new_session": True}  # CREATE_NEW_PROCESS_GROUP
        )  # Ctrl-C goes to the study alone, which decides what becomes of the workers
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            **apart,
        )
        self._send(job)

    @property
    def pid(self) -> int:
        return self._process.pid

    def train(self, shard: Shard) -> Trained:
        self.shard, self.begun = shard, time.monotonic()
        self._send(write_shard(shard).encode())
        try:
            answer = read_frame(self._output)
            if answer is None:
                raise self._lost()
            if answer == b"error":
                text = read_frame(self._output)
                raise self._lost() if text is None else read_error(text.decode(), f"a worker (pid {self.pid})")
            weights: dict[str, bytes] = {}
            while name := read_frame(self._output):
                weights[name.decode()] = read_frame(self._output) or b""
            if name is None:
                raise self._lost()
        finally:
            self.shard = None
        return answer_of(answer.decode(), weights)

    def end(self) -> None:
        """From any thread: whoever waits for an answer sees it lost."""
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what could not be sent to the dead is flushed once more
                if pipe is not None:
                    pipe.close()

    def _send(self, content: bytes) -> None:
        assert self._process.stdin is not None
        try:
            write_frame(self._process.stdin, content)
        except OSError:
            raise self._lost() from None

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _lost(self) -> WorkerLost:
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return WorkerLost(f"a worker (pid {self.pid}) {how}")

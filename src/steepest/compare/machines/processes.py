"""Processes of this machine: the one that asks trains too, and each of the others takes the next shard when it is free."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from ..race import TrialKey
from ..trainer import Shard, Trained, Trainer
from .messages import read_frame, write_frame
from .patience import MOST_DEATHS, MachineError, Patience
from .work import answer_of, pack, read_error, write_shard

LOOK_EVERY_S = 0.5
PROGRAM = "from steepest.compare.machines.worker import main; main()"
Heard = tuple["Shard | None", "Trained | BaseException | str"]
"""What is told of a shard, or of none: what came of it, an error that ends the study, or words for whoever watches."""


@dataclass(frozen=True)
class Processes:
    """devices: of each process, the asking one first; its trainer's task lies there already."""

    devices: tuple[str, ...]

    @property
    def n_workers(self) -> int:
        return len(self.devices)

    def open(self, trainer: Trainer) -> ProcessPool:
        return ProcessPool(trainer, self.devices[1:])


class WorkerLost(Exception):
    """A worker ended before it answered."""


class ProcessPool:
    """See Machines. This process trains from the first moment; the others need some seconds to start, and join then.

    They start with the first rung that has something for them. A thread looks after each.
    """

    def __init__(self, trainer: Trainer, devices: tuple[str, ...]) -> None:
        """devices: one for each other process. n_begun: of those, how many have started to take shards so far."""
        self.n_begun = 0
        self._trainer, self._devices = trainer, devices
        self._todo: deque[Shard] = deque()
        self._change = threading.Condition()  # guards _todo, _deadly and _n_others
        self._deadly: set[tuple[TrialKey, ...]] = set()
        self._done: queue.Queue[Heard] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._workers: set[Worker] = set()
        self._patience = Patience()
        self._n_open, self._n_others, self._is_over = 0, 0, False

    def submit(self, shard: Shard) -> None:
        self._n_open += 1
        with self._change:
            self._todo.append(shard)
            self._change.notify()
        if self._n_open > 1 and not self._threads:
            self._start_others()

    def results(self) -> Iterator[tuple[Shard, Trained]]:
        while self._n_open:
            heard = self._hear(wait=False) or self._train_one() or self._hear(wait=True)
            if heard is None:
                self._trainer.progress.advance(0)
                self._end_those_that_hang()
                continue
            shard, answer = heard
            if isinstance(answer, str):
                self._trainer.progress.say(answer)
            elif isinstance(answer, BaseException):
                raise answer
            elif shard is not None:
                self._n_open -= 1
                yield shard, answer

    def cancel(self) -> None:
        with self._change:
            self._is_over = True
            self._todo.clear()
            self._change.notify_all()
        for worker in list(self._workers):
            worker.end()
        for thread in self._threads:
            thread.join(timeout=10)
        for worker in list(self._workers):
            worker.close()
        self._threads, self._n_open = [], 0

    # -- what this process does --------------------------------------------------------------------------------------

    def _hear(self, *, wait: bool) -> Heard | None:
        try:
            shard, answer = self._done.get(block=wait, timeout=LOOK_EVERY_S)
        except queue.Empty:
            return None
        if shard is not None and isinstance(answer, Trained):
            self._trainer.progress.advance(shard.cost)
        return shard, answer

    def _train_one(self) -> Heard | None:
        """The next shard, here; one that a worker died over is left to the others, while there are any."""
        with self._change:
            here = [s for s in self._todo if s.trials not in self._deadly or not self._n_others]
            if not here:
                return None
            self._todo.remove(here[0])
        return here[0], self._trainer.train(here[0])

    def _start_others(self) -> None:
        job = pack(self._trainer, elsewhere=False)
        self._n_others = len(self._devices)
        self._threads = [
            threading.Thread(target=self._look_after, args=(job, device), daemon=True) for device in self._devices
        ]
        for thread in self._threads:
            thread.start()

    def _end_those_that_hang(self) -> None:
        """A frozen worker is killed; its thread then sees a dead one."""
        for worker in list(self._workers):
            shard = worker.shard
            if shard is not None and self._patience.has_ended(shard, worker.begun):
                worker.end()

    # -- what each of its threads does -------------------------------------------------------------------------------

    def _look_after(self, job: bytes, device: str) -> None:
        """One thread's life: a process, and shard after shard through it; a new process for one that died."""
        try:
            while not self._is_over and (worker := self._begun(job, device)) is not None:
                self._feed(worker)
                self._workers.discard(worker)
                worker.close()
        except BaseException as error:  # told to whoever waits in results()
            self._done.put((None, error))
        finally:
            with self._change:
                self._n_others -= 1

    def _begun(self, job: bytes, device: str) -> Worker | None:
        """A process that has read what it is to train; None where several could not begin: the study goes on with fewer."""
        told = ""
        for _ in range(MOST_DEATHS):
            worker = Worker()
            self._workers.add(worker)
            try:
                if not self._is_over:  # cancel() may have looked through the workers before this one was among them
                    worker.begin(job, device)
                    self.n_begun += 1
                    return worker
            except WorkerLost as lost:
                told = f"{lost} before it could begin"
            self._workers.discard(worker)
            worker.close()
            if self._is_over:
                return None
        self._done.put((None, f"{told}: the study goes on with a process less"))
        return None

    def _feed(self, worker: Worker) -> None:
        """Shard after shard, until there is no more to come or the worker is lost."""
        while (shard := self._next()) is not None:
            try:
                answer: Trained | BaseException = worker.train(shard)
                self._patience.note(shard, worker.begun)
            except WorkerLost as lost:
                self._give_again(shard, lost)
                return
            except BaseException as error:  # told to whoever waits in results()
                answer = error
            self._done.put((shard, answer))

    def _next(self) -> Shard | None:
        with self._change:
            self._change.wait_for(lambda: self._todo or self._is_over)
            return None if self._is_over else self._todo.popleft()

    def _give_again(self, shard: Shard, lost: WorkerLost) -> None:
        if self._is_over:
            return
        try:
            self._done.put((shard, self._patience.lost(shard, str(lost))))
        except MachineError as error:
            self._done.put((shard, error))
            return
        with self._change:
            self._deadly.add(shard.trials)
            self._todo.append(shard)
            self._change.notify()


class Worker:
    """A process that trains, and the pipes to it."""

    def __init__(self) -> None:
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

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, job: bytes, device: str) -> None:
        """Returns when it has read what it is to train."""
        self._send(device.encode())
        self._send(job)
        self._answer()

    def train(self, shard: Shard) -> Trained:
        self.shard, self.begun = shard, time.monotonic()
        self._send(write_shard(shard).encode())
        try:
            answer = self._answer()
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

    def _answer(self) -> bytes:
        answer = read_frame(self._output)
        if answer is None:
            raise self._lost()
        if answer == b"error":
            text = read_frame(self._output)
            raise self._lost() if text is None else read_error(text.decode(), f"a worker (pid {self.pid})")
        return answer

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

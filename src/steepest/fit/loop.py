"""The loop of one run: batches, steps, validation, checkpoints. Everything that a resumed run needs is in `state()`."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from steepest.core.digits import plain_doubles
from steepest.core.errors import StoreError
from steepest.core.progress import progress_of
from steepest.core.sealed import sealed
from steepest.core.streams import seed_of

from . import checkpoint
from .batches import Batch, Given
from .callbacks import Event
from .gap import measured_gap
from .history import History, Row, line_of
from .interrupt import Interruptible
from .judge import Judge
from .layout import NOTHING
from .memory import FittingIntoMemory
from .passing import alone, called, modes_of, pieces, put_modes_back, uncounted
from .ranks import Ranks, ranks_of
from .saved import Best, alone_in_folder, copied, put_back, random_state, set_random_state, state_of
from .setup import Setup, Source
from .stepping import rate_of, set_rates
from .threads import put_back_threads
from .weights import Weights

BEAT_S = 0.1
"""Between two movements of the progress bar."""


class Run:
    """One run, from its first step or from a checkpoint on."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.history = History(monitor=setup.monitor, notes=list(setup.notes), model=setup.model)
        self.step = self.epoch = self.batch = 0
        self.total = self.share = 0.0
        self.best: Best | None = None
        self.random_of_epoch: dict[str, Any] = {}
        self.is_over = False
        self.reduction = 1.0
        self._began = self._saved = time.monotonic()
        self.seconds_before = 0.0
        self.weights = Weights(setup.model, setup.optimizer, setup.ema)
        self.rates = [rate_of(group) for group in setup.optimizer.param_groups]
        self.judge = Judge(setup.metrics, setup.threshold)
        self.scaler = torch.amp.GradScaler(setup.device.type) if setup.precision == torch.float16 else None
        self._model = setup.compiled if setup.compiled is not None else alone(setup.model)
        self._stop = ""
        self.ranks = Ranks()

    @property
    def seconds(self) -> float:
        """Of the whole run, those before a resumption included."""
        return self.seconds_before + time.monotonic() - self._began

    # -- from the first to the last step -----------------------------------------------------------------------------

    def go(self) -> History:
        """Train until it is over, or until something says stop.

        The user's random numbers are afterwards where they were.
        """
        modes = modes_of(self.setup.model)
        try:
            with ranks_of(self.setup.device) as self.ranks, sealed("fit", self.setup.seed), plain_doubles():
                self._join()
                with alone_in_folder(self.setup.folder, self.ranks), put_back_threads(), Interruptible() as asked:
                    self._train(asked)
        finally:
            self.setup.progress.stop()
            put_modes_back(modes)
            self.weights.close()
        return self.history

    def _join(self) -> None:
        """All processes begin with the weights of the first, which alone shows progress and calls back."""
        setup = self.setup
        setup.config["processes"] = self.ranks.size
        self.ranks.take_over([*setup.model.parameters(), *setup.model.buffers(), *self.weights.average])
        self.weights.join(self.ranks)
        if not self.ranks.is_first:
            setup.progress, setup.callbacks = progress_of(False), []
        setup.progress.start(float(setup.epochs), self._greeting())

    def _train(self, asked: Interruptible) -> None:
        self.setup.model.train()
        self._resume()
        self.setup.take(None, self.setup.threads)
        self._tell("begin", {})
        while self.epoch < self.setup.epochs and not self.is_over:
            self._train_epoch(asked)
            if self._stop:
                break
        self._finish()

    def _greeting(self) -> str:
        n = sum(p.numel() for p in self.weights.parameters)
        name = type(self.setup.model).__name__.removeprefix("FSDP")  # of a class that fully_shard made
        return f"{name} with {n:,} parameters, {self.setup.epochs} epochs"

    def _train_epoch(self, asked: Interruptible) -> None:
        setup = self.setup
        if self.batch == 0:
            self.random_of_epoch = self.ranks.from_first(random_state())
            if self.ranks.size > 1:
                set_random_state(self.random_of_epoch)
            self.total, self.share = 0.0, 0.0
            self.judge = Judge(setup.metrics, setup.threshold)
        if setup.reduction is not None:
            self.reduction = setup.reduction([row.get(setup.monitor, math.nan) for row in self.history.rows])
        begun, seen = time.monotonic(), self.batch
        total: Any = self.total
        share: Any = self.share
        beat = begun
        is_alone, n_pieces = self.ranks.size == 1, setup.accumulate
        for batch in self._batches():
            own = batch if is_alone else self._share(batch, setup.train)
            with FittingIntoMemory(batch.n_rows):
                if setup.layout is None or setup.threads is None:
                    setup.measure(own, self.ranks, self._half)
                value, counts = self._step(own, n_pieces if is_alone else self._n_pieces(batch))
            self.step += 1
            self.batch += 1
            number = value.item() if value.device.type == "cpu" else value
            total, share = total + number * counts, share + counts
            if number != number:
                self._stop = "diverged"
                break
            if setup.callbacks:
                self._tell("step", {"loss": float(number), "learning_rate": self.learning_rate})
            now, is_due = time.monotonic(), False
            if now - beat > BEAT_S:
                setup.progress.advance((self.batch - seen) / (setup.train.n_batches or self.batch))
                beat, seen = now, self.batch
                is_due = setup.folder is not None and now - self._saved > setup.checkpoint_s
            is_asked = bool(asked)
            if not is_alone:
                is_asked, is_due = self._agreed(is_asked, is_due)
            if is_due:
                self.total, self.share = float(total), float(share)
                self._save()
            if is_asked or self._stop:
                self._stop = self._stop or "interrupted"
                break
        self.total, self.share = float(total), float(share)
        if self._stop in ("", "early") or self.batch == setup.train.n_batches:
            setup.progress.advance(max(0.0, (self.batch - seen) / max(self.batch, 1)))
            self._end_epoch(time.monotonic() - begun)

    def _agreed(self, is_asked: bool, is_due: bool) -> tuple[bool, bool]:
        """What any process was asked to do holds for all; when a checkpoint is due the first one says."""
        wishes = [is_asked, bool(self._stop), is_due and self.ranks.is_first]
        any_asked, any_stop, due = self.ranks.summed(torch.tensor(wishes, dtype=torch.float32)).tolist()
        if any_stop:
            self._stop = self.ranks.from_first(self._stop)
        return any_asked > 0, due > 0

    def _share(self, batch: Batch, source: Source) -> Batch | None:
        """This process's rows; a loader with a DistributedSampler has cut them already."""
        own = batch if source.gives_each_rank_its_own else self.ranks.share(batch)
        if own is None and self.weights.are_sharded:
            return uncounted(batch, self.setup.objective.has_parts)
        return own

    def _n_pieces(self, batch: Batch) -> int:
        """In which a batch goes through; as many in every process where all gather a sharded model for each."""
        n, is_cut = self.setup.accumulate, self.setup.train.gives_each_rank_its_own
        least = batch.n_rows if is_cut else batch.n_rows // self.ranks.size
        return min(n, max(1, least // 2)) if self.weights.are_sharded else n

    def _batches(self) -> Iterator[Batch]:
        """The rest of the epoch. A source that draws its own order is read from the epoch's start, as it was then."""
        train, now = self.setup.train, random_state()
        is_read_anew = self.batch and isinstance(train, Given)
        if is_read_anew:
            set_random_state(self.random_of_epoch)
        batches = train.epoch(self.epoch, self.batch)
        if is_read_anew:
            first = next(batches, None)
            set_random_state(now)
            if first is not None:
                yield first
        elif self.ranks.rank:  # the order is drawn and is that of all; noise and dropout are each process's own
            first = next(batches, None)
            torch.manual_seed(seed_of("rank", self.setup.seed, self.epoch, self.ranks.rank))
            if first is not None:
                yield first
        yield from batches

    # -- one step ----------------------------------------------------------------------------------------------------

    def _step(self, batch: Batch | None, n_pieces: int) -> tuple[Tensor, Tensor | float]:
        """(the batch's loss, what it counts); the weights are moved. None: other processes have all rows."""
        setup, optimizer = self.setup, self.setup.optimizer
        setup.objective.at(self.step)
        if setup.multipliers:
            factor = setup.multipliers[min(self.step, len(setup.multipliers) - 1)] * self.reduction
            set_rates(optimizer, self.rates, factor)
        optimizer.zero_grad()
        counts: Tensor | float
        if batch is None or setup.accumulate > 1 or self.ranks.size > 1:
            value, counts = self._accumulated(batch, n_pieces)
        else:
            output = self._output(batch)
            with self._half():
                value, counts = setup.objective.mean(output, batch.target, batch.weight, batch.n_rows)
            self._backward(value)
            value = value.detach()
            self.judge.add(output, batch.target, batch.weight)
        if setup.clip_norm is not None:
            if self.scaler is not None:
                self.scaler.unscale_(optimizer)
            self.weights.clip(setup.clip_norm)
        if self.scaler is None:
            optimizer.step()
        else:
            self.scaler.step(optimizer)
            self.scaler.update()
        self.weights.follow()
        return value, counts

    def _accumulated(self, batch: Batch | None, n_pieces: int) -> tuple[Tensor, Tensor]:
        """The batch in pieces, over all processes: the sum of the numerators' gradients, by the sum of denominators."""
        setup = self.setup
        top, bottom = torch.zeros((), device=setup.device), torch.zeros((), device=setup.device)
        cut = [] if batch is None else [*pieces(batch, n_pieces)]
        n = 1 if self.scaler is None else self.ranks.n_rows(batch)  # a scaled sum would leave the range of float16
        for piece in cut:
            self.weights.sum_next(piece is cut[-1])
            output = self._output(piece)
            with self._half():
                numerator, denominator = setup.objective.parts(output, piece.target, piece.weight, piece.n_rows)
            self._backward(numerator / n)
            top, bottom = top + numerator.detach(), bottom + denominator.detach()
            if piece.n_rows:
                self.judge.add(output, piece.target, piece.weight)
        top, bottom = self.weights.sum_up(top, bottom)
        divisor = torch.where(bottom == 0, 1.0, bottom)
        self.weights.divide_gradients(divisor / n)
        return top / divisor, bottom

    def _output(self, batch: Batch) -> Any:
        with self._half(), self.setup.in_layout.kernels():
            return called(self._model, self.setup.in_layout.given(batch.inputs))

    def _backward(self, value: Tensor) -> None:
        self.setup.in_layout.backward(value if self.scaler is None else self.scaler.scale(value))

    def _half(self) -> Any:
        precision = self.setup.precision
        return NOTHING if precision == torch.float32 else torch.autocast(self.setup.device.type, precision)

    @property
    def learning_rate(self) -> float:
        return rate_of(self.setup.optimizer.param_groups[0])

    # -- the end of an epoch -----------------------------------------------------------------------------------------

    def _end_epoch(self, seconds: float) -> None:
        setup = self.setup
        row: Row = {"epoch": self.epoch + 1, "loss": self.total / self.share if self.share else float("nan")}
        self.ranks.take_over(list(setup.model.buffers()))
        row |= self.judge.over(self.ranks).values()
        if setup.validation is not None:
            row |= {f"val_{name}": value for name, value in self.scores(setup.validation).items()}
        row |= {"learning_rate": self.learning_rate, "seconds": seconds}
        self.history.rows.append(row)
        self.epoch, self.batch = self.epoch + 1, 0
        self._keep_best(row)
        setup.progress.say(line_of(row, setup.epochs))
        self._tell("epoch", row)
        self._stop = self.ranks.from_first(self._stop)
        is_last = self.epoch == setup.epochs
        if setup.patience is not None and self.best is not None and self.epoch - self.best.epoch >= setup.patience:
            self._stop = self._stop or "early"
        if setup.folder is not None and not is_last and not self._stop:
            self._save()

    def _keep_best(self, row: Row) -> None:
        setup = self.setup
        value = row.get(setup.monitor)
        if setup.validation is None or value is None or value != value:
            return
        is_better = self.best is None or (value > self.best.value if setup.best == "max" else value < self.best.value)
        if is_better:
            weights = {} if setup.keep == "last" else copied(self._evaluated_state())
            self.best = Best(value, self.epoch, weights)

    def scores(self, source: Source) -> dict[str, float]:
        """Loss and metrics of a part, by the averaged weights where there are any.

        Modes and gradients stay untouched.
        """
        setup, judge = self.setup, Judge(self.setup.metrics, self.setup.threshold)
        total, share = 0.0, 0.0
        with self._evaluating(), torch.no_grad():
            for whole in source.epoch(0):
                batch = self._share(whole, source)
                if batch is None:
                    continue
                output = self._output(batch)
                if batch.n_rows == 0:
                    continue
                with self._half():
                    value, counts = setup.objective.mean(output, batch.target, batch.weight, batch.n_rows)
                total, share = total + float(value) * float(counts), share + float(counts)
                judge.add(output, batch.target, batch.weight)
        total, share = self.ranks.summed(torch.tensor([total, share], dtype=torch.float64)).tolist()
        return {"loss": total / share if share else float("nan"), **judge.over(self.ranks).values()}

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        modes = modes_of(self.setup.model)
        self.setup.model.eval()
        evaluate, train = (getattr(self.setup.optimizer, name, None) for name in ("eval", "train"))
        self.weights.swap_average()
        if callable(evaluate):
            evaluate()
        self.weights.reshard()
        try:
            yield
        finally:
            if callable(train):
                train()
            self.weights.swap_average()
            self.weights.reshard()
            put_modes_back(modes)

    def _evaluated_state(self) -> dict[str, Tensor]:
        with self._evaluating():
            return copied(self.setup.model.state_dict())

    # -- the end of the run ------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        setup, history = self.setup, self.history
        history.stopped = history.stopped or self._stop or "finished"
        history.seconds, history.threads, history.memory_format = self.seconds, setup.threads, setup.in_layout.name
        if self.best is not None:
            history.best_epoch = self.best.epoch
        if setup.folder is not None and not self.is_over:
            self._save()
        if history.stopped == "interrupted" and setup.folder is not None:
            history.notes.append(f"Saved in {setup.folder}: the same call goes on where it stopped.")
        self._tell("end", history.rows[-1] if history.rows else {})
        if self.best is not None and setup.keep == "best" and self.best.weights and history.stopped != "interrupted":
            setup.model.load_state_dict(self.best.weights)
            history.holds = "best"
        elif history.stopped != "interrupted" or setup.folder is None:
            self.weights.swap_average()
            evaluate = getattr(setup.optimizer, "eval", None)
            if callable(evaluate):
                evaluate()
        if history.stopped in ("finished", "early"):
            history.gap = measured_gap(self.setup)

    def _tell(self, kind: str, numbers: Any) -> None:
        setup = self.setup
        for callback in setup.callbacks:
            event = Event(kind, self.step, self.epoch, numbers, self.history, setup.model, setup.optimizer)
            callback(event)
            if event.reason:
                self._stop = self._stop or event.reason

    # -- checkpoints -------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        """A checkpoint. Where none can be written (a full disk), training goes on and says so; the last one stands."""
        assert self.setup.folder is not None
        self._saved, state = time.monotonic(), state_of(self)
        try:
            if self.ranks.is_first:
                checkpoint.save(self.setup.folder, self.step, state)
        except StoreError as error:
            note = f"No checkpoint at step {self.step}: {error.seen}. {error.repair}"
            self.setup.progress.say(note)
            self.history.notes.append(note)

    def _resume(self) -> None:
        """Go on from the folder's newest checkpoint, if it has one."""
        found = None if self.setup.folder is None else checkpoint.newest(self.setup.folder)
        if found is not None:
            state, notes = found
            self.history.notes += notes
            put_back(self, state)
            self.setup.progress.advance(self.epoch)

"""Fit: one training run of a plain nn.Module, faster than the loop that people write by hand, and safe to interrupt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .ask import setup_of
from .first_look import refuse_mistakes
from .history import History
from .leaks import leaks
from .lending import in_shards
from .loop import Run
from .shards import sharded_modules
from .written import leave

__all__ = ["History", "fit"]


def fit(
    model: Any,
    data: Any,
    *,
    loss: Any = None,
    optimizer: Any = "nadamw",
    learning_rate: float | None = None,
    schedule: Any = "auto",
    epochs: int = 10,
    batch_size: int = 64,
    validation: Any = None,
    metrics: Any = None,
    class_weight: Any = None,
    accumulate: int = 1,
    precision: str = "float32",
    clip_norm: float | None = None,
    ema: float | None = None,
    patience: int | None = None,
    monitor: str | None = None,
    keep: str | None = None,
    callbacks: Any = (),
    out: str | Path | None = None,
    checkpoint_s: float = 30.0,
    seed: int = 0,
    device: Any = None,
    memory_format: str = "auto",
    threads: int | str | None = None,
    compile: bool = False,
    shard: bool = False,
    standardise: bool | None = None,
    task: str | None = None,
    unpack: Any = None,
    progress: Any = True,
    check: bool = True,
) -> History:
    """Train the model in place and return its history.

    model: an nn.Module (trained as it is), or for data that we read also "mlp", "file.py:Net", a class or a function.
    data: tensors in memory (x, y) or (x, y, weight), the fast path, where x may be a tuple or mapping of several; a
    DataLoader or another iterable of batches; a Dataset; or what data.load reads ("digits", "table.csv:y", arrays).
    Tensors are taken as they are; what data.load reads is converted, and with `standardise` brought to the scale of
    the training part: where the model was given in words, unless you say False, as the command does.
    loss: a name ("focal(gamma=2)"), one of steepest.losses or torch.nn, or a function (output, target) -> number.
    optimizer: a name ("adamw(lr=1e-3)"), a rule, a class, or an optimizer of this model.
    schedule: "auto" is warmup_cosine, or nothing for an optimizer that you made; None keeps the learning rate;
        "cosine + plateau(patience=3)" lowers it further when the monitored score stops improving.
    validation: a share of the rows (0.2), or data of the same form.
    metrics: names or items of steepest.metrics, or objects with update, compute and reset such as torchmetrics'.
    accumulate: pieces in which a batch goes through the model; their sum is exact.
    precision: "bfloat16", or "float16" with a scaled loss. ema: decay of averaged weights, which are judged and kept.
    patience: epochs without a better `monitor` after which it ends; then the best weights are put back, unless
    keep="last".
    callbacks: functions of an Event; also a TensorBoard writer, a W&B run, mlflow, or the path of a .csv.
    out: a folder for checkpoints, two generations, one at each epoch and every `checkpoint_s` seconds. The same call
    goes on from there and ends with the same bits as a run that was never stopped. At the end it holds history.csv, and
    model.safetensors, which `evaluate(folder, data)` and `steepest evaluate folder --data ...` read.
    Ctrl-C ends after the step and returns the history; a second one ends at once.
    memory_format: of images. "contiguous", "channels_last", "kernels" (contiguous, with convolutions and pooling of our
    own on a processor), or "auto": the one in which a copy of the model is fastest on the first batch.
    threads: of the processor; None keeps torch's number, "auto" measures on the first batch. A run that goes on from a
    checkpoint has the format and the threads with which it began, as both change how sums are rounded.

    shard: under torchrun each process holds a part of the weights, gradients and states of the optimizer (fully_shard);
    a layer is gathered while it is passed through. A model that fully_shard was applied to is taken as it is. After an
    error in all processes the model is whole; after one in some, the parts of the others cannot be had: it is empty.
    check: look at a few rows first, and refuse a model and loss that cannot learn together (softmax before
    cross-entropy); of rows in memory the history notes those that are on both sides, and a column that is the target.

    Raises a SteepestError subclass with the repair for anything that cannot be trained.
    """
    standardise = isinstance(model, str) if standardise is None else standardise
    asked = {name: value for name, value in locals().items() if name not in ("model", "data", "check")}
    setup, read = setup_of(model, data, **asked)
    if check:
        if not sharded_modules(setup.model):
            refuse_mistakes(setup)
        setup.notes += leaks(setup.train, setup.validation)
    with in_shards(setup, asked) as trained:
        run = Run(trained)
        history = run.go()
    history.model = setup.model
    if out is not None:
        leave(Path(out), model, setup, read, history, asked, is_first=run.ranks.is_first)
    return history

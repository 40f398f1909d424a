"""What a user asks of a run, in words or objects, read and refused here when it makes no sense.

What is made is a Setup.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from steepest.core.declare import Metric
from steepest.core.errors import ModelError, OutOfMemory, StoreError, UsageError
from steepest.core.progress import progress_of
from steepest.core.sealed import sealed
from steepest.models import Facts, factory_of

from .batches import Rows, leaves
from .callbacks import as_callbacks
from .judge import as_metrics, name_of
from .layout import LAYOUTS, PLAIN, Layout, layout_named
from .loop import Setup
from .memory import FittingIntoMemory
from .objective import Objective, as_loss
from .passing import called
from .reading import Asked, Encode, read_data
from .shards import accept_shards, reshard, sharded_modules
from .stepping import multipliers_of, optimizer_of, reduction_of

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
REMEMBERED = ("epochs", "batch_size", "accumulate", "precision", "clip_norm", "ema", "patience", "seed", "compile")
"""Numbers and words of the call that a resumed run must share, besides what it is made of."""
DEFAULT_LOSS = {"classification": "cross_entropy", "multilabel": "bce_with_logits", "regression": "mse"}
DEFAULT_METRICS = {"classification": "accuracy", "multilabel": "multilabel_f1", "regression": "mean_absolute_error"}


def setup_of(model: Any, data: Any, **asked: Any) -> tuple[Setup, Asked]:
    """All that a run needs, accepted, and what is known of the data. The keywords are those of `fit`."""
    _check_numbers(asked)
    device = _device_of(asked["device"])
    read = read_data(data, asked, device)
    net = _model_of(model, read, asked).to(device)
    loss = _loss_of(asked["loss"], read)
    _look_at_output(net, read, asked["seed"])
    encode = Encode(loss, read.data) if read.data is not None else None
    class_weight = asked["class_weight"]
    objective = Objective(loss, None if class_weight is None else torch.as_tensor(class_weight, device=device), encode)
    metrics = as_metrics(DEFAULT_METRICS.get(read.task) if asked["metrics"] is None and read.task else asked["metrics"])
    optimizer, words = optimizer_of(asked["optimizer"], net, asked["learning_rate"])
    multipliers, schedule = multipliers_of(asked["schedule"], asked["optimizer"], read.train, asked["epochs"])
    folder = None if asked["out"] is None else folder_of(Path(asked["out"]))
    monitor, best = _monitor(asked["monitor"], metrics, read.validation)
    in_shards = asked["shard"] or bool(sharded_modules(net))
    layout = _layout_of(asked, in_shards)
    threads = {None: torch.get_num_threads(), "auto": None}.get(asked["threads"], asked["threads"])
    if layout is not None:
        layout.prepare(net)
    keep = asked["keep"] or ("best" if asked["patience"] is not None else "last")
    config = {
        **{name: asked[name] for name in REMEMBERED},
        "model": [[name, list(value.shape)] for name, value in net.state_dict().items()],
        "loss": _text(loss),
        "optimizer": words,
        "schedule": schedule,
        "metrics": [name_of(metric) for metric in metrics],
        "memory_format": asked["memory_format"],
        "threads": threads,
        "class_weight": None if class_weight is None else torch.as_tensor(class_weight).tolist(),
        **read.facts,
    }
    setup = Setup(
        model=net,
        objective=objective,
        optimizer=optimizer,
        train=read.train,
        validation=read.validation,
        epochs=asked["epochs"],
        multipliers=multipliers,
        metrics=metrics,
        threshold=0.5 if takes_probabilities(loss) else 0.0,
        monitor=monitor,
        best=best,
        device=device,
        precision=PRECISIONS[asked["precision"]],
        accumulate=asked["accumulate"],
        clip_norm=asked["clip_norm"],
        ema=asked["ema"],
        patience=asked["patience"],
        keep=keep,
        callbacks=as_callbacks(asked["callbacks"]),
        folder=folder,
        checkpoint_s=asked["checkpoint_s"],
        seed=asked["seed"],
        progress=progress_of(asked["progress"]),
        layout=layout,
        threads=threads,
        keeps_threads=asked["threads"] is None,
        compiled=torch.compile(net) if asked["compile"] else None,  # type: ignore[arg-type]
        config=config,
        reduction=reduction_of(asked["schedule"], best, read.validation),
    )
    return setup, read


# -- numbers and words -----------------------------------------------------------------------------------------------


def _check_numbers(asked: Mapping[str, Any]) -> None:
    for name, least in (("epochs", 1), ("batch_size", 1), ("accumulate", 1), ("patience", 1)):
        value = asked[name]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise UsageError(
                where="fit",
                seen=f"{name} is {value!r}",
                needed=f"a whole number >= {least} was needed",
                repair=f"{name}=10, say.",
            )
    for name, most in (("clip_norm", float("inf")), ("ema", 1.0)):
        value = asked[name]
        if value is not None and not 0 < value < most:
            raise UsageError(
                where="fit",
                seen=f"{name} is {value!r}",
                needed="a number above 0" + (f" and below {most:g}" if most < 2 else "") + " was needed",
                repair=f"{name}={'1.0' if name == 'clip_norm' else '0.999'} is usual.",
            )
    for name, words in (
        ("precision", tuple(PRECISIONS)),
        ("keep", (None, "best", "last")),
        ("memory_format", ("auto", *LAYOUTS)),
    ):
        if asked[name] not in words:
            raise UsageError(
                where="fit",
                seen=f"{name} is {asked[name]!r}",
                needed=f"one of {', '.join(str(word) for word in words if word)} was needed",
                repair=f"{name}={words[0]!r} is the default.",
            )
    threads = asked["threads"]
    if threads not in (None, "auto") and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
        raise UsageError(
            where="fit",
            seen=f"threads is {threads!r}",
            needed='a whole number >= 1, or "auto", was needed',
            repair="threads=1 is often best for small models.",
        )
    if asked["compile"] and asked["memory_format"] == "kernels":
        raise UsageError(
            where="fit",
            seen='compile=True and memory_format="kernels"',
            needed="one of them was needed: torch's compiler brings its own kernels",
            repair="Leave one of them out.",
        )
    if asked["shard"] and isinstance(asked["optimizer"], torch.optim.Optimizer):
        raise UsageError(
            where="fit",
            seen="shard=True and an optimizer that is made",
            needed="its name or class was needed: the parameters that it holds are not those that are trained",
            repair='optimizer="adamw(lr=1e-3)"; or apply fully_shard to the model and make the optimizer afterwards.',
        )
    if asked["patience"] is not None and asked["validation"] is None:
        raise UsageError(
            where="fit",
            seen="patience without validation",
            needed="rows that are not trained on were needed, to see when it gets no better",
            repair="validation=0.2 sets a fifth of the rows aside.",
        )


def _loss_of(asked: Any, read: Asked) -> Any:
    if asked is None and read.task is None:
        raise UsageError(
            where="fit",
            seen="no loss",
            needed="a loss was needed: what the targets mean is not known",
            repair='loss="cross_entropy" for class indices, loss="mse" for numbers.',
        )
    return as_loss(DEFAULT_LOSS[str(read.task)] if asked is None else asked)


def takes_probabilities(loss: Any) -> bool:
    """The model ends in a sigmoid, by the contract of the loss; nothing is guessed from values."""
    return isinstance(loss, nn.BCELoss) or getattr(getattr(loss, "loss", None), "expects", "") == "probs"


def _text(loss: Any) -> str:
    return repr(loss) if isinstance(loss, nn.Module) else getattr(loss, "__qualname__", type(loss).__name__)


def _monitor(asked: str | None, metrics: list[Any], validation: Any) -> tuple[str, str]:
    """(the number that says which epoch is best, "max" or "min")."""
    names = {f"val_{name_of(m)}": m.best if isinstance(m, Metric) else "max" for m in metrics} | {"val_loss": "min"}
    if asked is None:
        return next(iter(names.items()))
    name = asked if asked.startswith("val_") else f"val_{asked}"
    if name not in names:
        raise UsageError(
            where="fit",
            seen=f"monitor is {asked!r}",
            needed=f"one of {', '.join(names)} was needed",
            repair="Add it to metrics, or leave monitor out.",
        )
    return name, names[name]


def _device_of(asked: Any) -> torch.device:
    if asked is None:
        return torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(asked)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise UsageError(
            where="device",
            seen=f"{asked!r}: {str(error).splitlines()[0]}",
            needed="a device of this machine was needed",
            repair='Leave device out, or device="cpu".',
        ) from error
    return device


def folder_of(out: Path) -> Path:
    """The folder of the checkpoints, made and tried before the first step."""
    folder = out / "checkpoints"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StoreError(
            where=str(out),
            seen=f"nothing can be written there ({error.strerror})",
            needed="a folder for checkpoints was needed",
            repair="Name another folder (out=, --out), or free space in this one.",
        ) from error
    return folder


def _layout_of(asked: Mapping[str, Any], in_shards: bool) -> Layout | None:
    """The one that is asked for; None where it is to be measured."""
    named = asked["memory_format"]
    if in_shards and (named not in ("auto", "contiguous") or asked["threads"] == "auto"):
        raise UsageError(
            where="fit",
            seen=f"memory_format={named!r}, threads={asked['threads']!r} and a model in shards",
            needed="contiguous weights and a number of threads were needed: shards are cut and gathered flat",
            repair='Leave memory_format out, and threads="auto".',
        )
    return PLAIN if in_shards else None if named == "auto" else layout_named(named)


# -- model -------------------------------------------------------------------------------------------------------------


def _model_of(model: Any, read: Asked, asked: Mapping[str, Any]) -> nn.Module:
    """A module as it is; a name, class or function makes one for these data, initialised from the seed."""
    if isinstance(model, nn.Module):
        if not any(p.requires_grad for p in model.parameters()):
            raise ModelError(
                where=type(model).__name__,
                seen="no parameter is trainable",
                needed="something to train was needed",
                repair="Set requires_grad, or assign the layers to self so that the module knows them.",
            )
        accept_shards(model)
        if any(p.is_meta for p in model.parameters()):
            raise ModelError(
                where=type(model).__name__,
                seen="parameters on the meta device, which hold no numbers",
                needed="weights to start from were needed",
                repair="model.to_empty(device=...) and initialise them, or build the model without torch.device('meta').",
            )
        return model
    if model is None or not (isinstance(model, str) or callable(model)):
        raise ModelError(
            where="model",
            seen=f"a {type(model).__name__}",
            needed="an nn.Module, a name, or a function that makes a module was needed",
            repair='fit(nn.Linear(64, 10), ...), or fit("mlp", "digits").',
        )
    if read.data is None:
        raise ModelError(
            where="fit",
            seen="a model by name and data as tensors or batches",
            needed="an nn.Module was needed: the data do not tell its sizes",
            repair="Build it: fit(nn.Linear(...), ...).",
        )
    with sealed("init", asked["seed"]):
        return factory_of(model)(Facts.of(read.data))


def _look_at_output(model: nn.Module, read: Asked, seed: int) -> None:
    """The model takes the data, seen before the first step; nothing of the model changes."""
    if not isinstance(read.train, Rows):
        return
    inputs, _ = read.train.first(2)
    before = [leaf._version for leaf in leaves(inputs)]
    modes = [(module, module.training) for module in model.modules()]
    try:
        with sealed("look", seed), torch.no_grad(), FittingIntoMemory(2):
            called(model.eval(), inputs)
    except OutOfMemory:
        raise
    except Exception as error:
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in leaves(inputs))
        raise ModelError(
            where=type(model).__name__,
            seen=f"a batch of shape {shapes} raised {type(error).__name__}: {error}",
            needed="the model must take a batch of the data",
            repair="Does the first layer fit one row, and its dtype the weights'?",
        ) from error
    finally:
        for module, is_training in modes:
            module.training = is_training
        reshard(model)
    if isinstance(read.validation, Rows):
        read.validation.lends_copies = before != [leaf._version for leaf in leaves(inputs)]

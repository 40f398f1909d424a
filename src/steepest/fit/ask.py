"""What a user asks of a run, in words or objects, read and refused here when it makes no sense.

What is made is a Setup.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import data as torch_data

from steepest import optim as rules
from steepest.core.calls import parse_call, split_sum
from steepest.core.declare import Metric, Rule, Schedule
from steepest.core.errors import DataError, ModelError, UsageError
from steepest.core.progress import progress_of
from steepest.core.sealed import sealed
from steepest.core.streams import generator
from steepest.data import load
from steepest.data.record import Data
from steepest.data.split import set_aside
from steepest.data.standardise import Scale
from steepest.models import Facts, factory_of
from steepest.optim import schedules
from steepest.optim.optimizer import class_of

from .batches import Given, Rows, leaves, mapped
from .callbacks import as_callbacks
from .judge import as_metrics, name_of
from .layout import faster_format, is_imagelike
from .loop import Setup, called
from .objective import Objective, as_loss

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
REMEMBERED = ("epochs", "batch_size", "accumulate", "precision", "clip_norm", "ema", "patience", "seed")
"""Numbers and words of the call that a resumed run must share, besides what it is made of."""
DEFAULT_LOSS = {"classification": "cross_entropy", "regression": "mse"}
DEFAULT_METRICS = {"classification": "accuracy", "regression": "mean_absolute_error"}


@dataclass
class Asked:
    """The parts of the data as batches, and what is known of them. task.

    None where nobody said what the targets are.
    """

    train: Rows | Given
    validation: Rows | Given | None
    task: str | None
    data: Data | None
    facts: dict[str, Any]


def setup_of(model: Any, data: Any, **asked: Any) -> Setup:
    """All that a run needs, accepted. The keywords are those of `fit`."""
    _check_numbers(asked)
    device = torch.device(asked["device"] or ("cuda" if torch.cuda.is_available() else "cpu"))
    read = _read(data, asked, device)
    net = _model_of(model, read, asked).to(device)
    loss = _loss_of(asked["loss"], read)
    _look_at_output(net, read.train, asked["seed"])
    encode = Encode(loss, read.data) if read.data is not None else None
    class_weight = asked["class_weight"]
    objective = Objective(loss, None if class_weight is None else torch.as_tensor(class_weight, device=device), encode)
    metrics = as_metrics(DEFAULT_METRICS[read.task] if asked["metrics"] is None and read.task else asked["metrics"])
    optimizer, words = _optimizer_of(asked["optimizer"], net, asked["learning_rate"])
    multipliers, schedule = _multipliers(asked["schedule"], asked["optimizer"], read.train, asked["epochs"])
    folder = None if asked["out"] is None else Path(asked["out"]) / "checkpoints"
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    monitor, best = _monitor(asked["monitor"], metrics, read.validation)
    memory_format = _memory_format(asked["memory_format"], net, read.train)
    if memory_format is torch.channels_last:
        net.to(memory_format=memory_format)  # type: ignore[call-overload]
    keep = asked["keep"] or ("best" if asked["patience"] is not None else "last")
    config = {
        **{name: asked[name] for name in REMEMBERED},
        "model": [[name, list(value.shape)] for name, value in net.state_dict().items()],
        "loss": _text(loss),
        "optimizer": words,
        "schedule": schedule,
        "metrics": [name_of(metric) for metric in metrics],
        "memory_format": str(memory_format),
        **read.facts,
    }
    return Setup(
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
        memory_format=memory_format,
        compiled=torch.compile(net) if asked["compile"] else None,  # type: ignore[arg-type]
        config=config,
    )


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
        ("memory_format", ("auto", "channels_last", "contiguous")),
    ):
        if asked[name] not in words:
            raise UsageError(
                where="fit",
                seen=f"{name} is {asked[name]!r}",
                needed=f"one of {', '.join(str(word) for word in words if word)} was needed",
                repair=f"{name}={words[0]!r} is the default.",
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


# -- data ------------------------------------------------------------------------------------------------------------


def _read(data: Any, asked: Mapping[str, Any], device: torch.device) -> Asked:
    size, seed, validation = asked["batch_size"], asked["seed"], asked["validation"]
    if _is_batches(data):
        train: Rows | Given = Given(data, asked["unpack"], device)
        return Asked(train, _other_part(validation, asked, device), None, None, {})
    if isinstance(data, torch_data.Dataset):
        loader = torch_data.DataLoader(data, size, shuffle=not isinstance(data, torch_data.IterableDataset))
        return Asked(Given(loader, asked["unpack"], device), _other_part(validation, asked, device), None, None, {})
    if isinstance(data, tuple) and len(data) in (2, 3) and _are_tensors(data):
        inputs, target, weight = (*data, None)[:3]
        return _of_tensors(inputs, target, weight, asked, device)
    read = load(data, task=asked["task"])
    kept: tuple[Any, Any] = (read, None)
    if isinstance(validation, float):
        keep, rest = _aside(len(read.y), validation, read.y if read.task == "classification" else None, seed)
        kept = (_rows_of(read, keep), _rows_of(read, rest))
    elif validation is not None:
        kept = (read, load(validation, task=read.task))
    scales = _Scales.of(kept[0]) if asked["standardise"] else None
    train = _as_rows(kept[0], scales, size, seed, device, shuffle=True)
    aside = None if kept[1] is None else _as_rows(kept[1], scales, size, seed, device, shuffle=False)
    return Asked(train, aside, read.task, read, {"data": read.fingerprint})


def _of_tensors(inputs: Any, target: Any, weight: Any, asked: Mapping[str, Any], device: torch.device) -> Asked:
    """As they are: nothing is converted."""
    size, seed, validation = asked["batch_size"], asked["seed"], asked["validation"]
    whole = Rows(inputs, target, weight, batch_size=size, seed=seed)
    if not isinstance(validation, float):
        return Asked(whole.to(device), _other_part(validation, asked, device), None, None, {"rows": whole.n_rows})
    is_labels = isinstance(target, Tensor) and target.dim() == 1 and not target.is_floating_point()
    keep, aside = _aside(whole.n_rows, validation, target.cpu() if is_labels else None, seed)
    parts = []
    for rows, shuffle in ((keep, True), (aside, False)):
        cut = [mapped(lambda t: t.index_select(0, rows.to(t.device)), part) for part in (inputs, target, weight)]  # noqa: B023
        parts.append(Rows(*cut, batch_size=size, seed=seed, shuffle=shuffle).to(device))
    return Asked(parts[0], parts[1], None, None, {"rows": whole.n_rows})


def _other_part(validation: Any, asked: Mapping[str, Any], device: torch.device) -> Rows | Given | None:
    """Validation data given by themselves."""
    if validation is None:
        return None
    if isinstance(validation, float):
        raise UsageError(
            where="fit",
            seen="validation is a share and the data are batches",
            needed="batches of their own were needed, as rows cannot be set aside from a loader",
            repair="validation=another_loader; or pass the tensors (x, y) themselves.",
        )
    if _is_batches(validation):
        return Given(validation, asked["unpack"], device)
    if isinstance(validation, torch_data.Dataset):
        return Given(torch_data.DataLoader(validation, asked["batch_size"]), asked["unpack"], device)
    if isinstance(validation, tuple) and len(validation) in (2, 3) and _are_tensors(validation):
        return Rows(*validation, batch_size=asked["batch_size"], shuffle=False).to(device)
    raise DataError(
        where="validation",
        seen=f"a {type(validation).__name__}",
        needed="the same form as the training data was needed",
        repair="(x, y) of tensors, or a DataLoader.",
    )


def _is_batches(data: Any) -> bool:
    """A DataLoader, or an iterable of batches that is no data set by itself."""
    if isinstance(data, torch_data.DataLoader):
        return True
    plain = (str, bytes, Path, tuple, Tensor, Data, torch_data.Dataset, Mapping)
    if isinstance(data, plain) or hasattr(data, "to_pandas") or hasattr(data, "columns") or hasattr(data, "target"):
        return False
    return hasattr(data, "__iter__")


def _are_tensors(parts: tuple[Any, ...]) -> bool:
    try:
        return all(leaves(part) for part in parts if part is not None)
    except DataError:
        return False


def _aside(n_rows: int, share: float, labels: Tensor | None, seed: int) -> tuple[Tensor, Tensor]:
    if not 0 < share < 1:
        raise UsageError(
            where="fit",
            seen=f"validation is {share!r}",
            needed="a share between 0 and 1 was needed",
            repair="0.2 is usual.",
        )
    keep, aside = set_aside(n_rows, share, labels, generator("validation part", seed))
    if len(aside) == 0 or len(keep) == 0:
        raise DataError(
            where="fit",
            seen=f"{n_rows} rows and validation={share:g} leave a part without rows",
            needed="at least one row was needed in each part",
            repair="Bring more rows, or another share.",
        )
    return keep, aside


def _rows_of(data: Data, rows: Tensor) -> tuple[Tensor, Tensor]:
    return data.x.index_select(0, rows), data.y.index_select(0, rows)


@dataclass(frozen=True)
class _Scales:
    """Of the training part."""

    x: Scale
    y: Scale | None

    @staticmethod
    def of(part: Any) -> _Scales:
        x, y = _pair(part)
        return _Scales(
            Scale.per_feature(x) if x.dim() == 2 else Scale.overall(x),
            Scale.per_feature(y) if y.is_floating_point() else None,
        )


def _pair(part: Any) -> tuple[Tensor, Tensor]:
    return (part.x, part.y) if isinstance(part, Data) else part


def _as_rows(part: Any, scales: _Scales | None, size: int, seed: int, device: torch.device, *, shuffle: bool) -> Rows:
    x, y = _pair(part)
    if scales is not None:
        x, y = scales.x.apply(x), y if scales.y is None else scales.y.apply(y)
    return Rows(x, y, batch_size=size, seed=seed, shuffle=shuffle).to(device)


class Encode:
    """Targets of data that we read, in the form that the loss and the output ask for.

    Indices, one-hot rows, or numbers.
    """

    def __init__(self, loss: Any, data: Data) -> None:
        kind = getattr(getattr(getattr(loss, "loss", None), "target", None), "name", "")
        self.wants_indices = kind == "classes" or not kind
        self.n_classes = data.n_classes

    def __call__(self, output: Any, target: Tensor) -> Tensor:
        if not isinstance(output, Tensor):
            return target
        if self.n_classes is None or output[0].numel() == 1:
            return target.to(output.dtype).reshape(output.shape) if target.numel() == output.numel() else target
        if self.wants_indices or output.dim() < 2 or output.shape[1] != self.n_classes:
            return target
        return nn.functional.one_hot(target, self.n_classes).to(output.dtype)


# -- model and optimizer ---------------------------------------------------------------------------------------------


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
        return model
    if read.data is None:
        raise ModelError(
            where="fit",
            seen="a model by name and data as tensors or batches",
            needed="an nn.Module was needed: the data do not tell its sizes",
            repair="Build it: fit(nn.Linear(...), ...).",
        )
    data = read.data
    n_outputs = data.n_classes or (data.y[0].numel() if data.y.dim() > 1 else 1)
    with sealed("init", asked["seed"]):
        return factory_of(model)(
            Facts(shape=data.shape, n_features=data.n_features, n_outputs=n_outputs, n_classes=data.n_classes)
        )


def _optimizer_of(asked: Any, model: nn.Module, learning_rate: float | None) -> tuple[torch.optim.Optimizer, str]:
    """(the optimizer, what it is in words)."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if isinstance(asked, torch.optim.Optimizer):
        if learning_rate is not None:
            raise UsageError(
                where="fit",
                seen="learning_rate beside an optimizer that is made",
                needed="one place for the learning rate was needed",
                repair="Give it to the optimizer: lr=...",
            )
        held = {id(p) for group in asked.param_groups for p in group["params"]}
        if not any(id(p) in held for p in parameters):
            raise UsageError(
                where="fit",
                seen="the optimizer holds no parameter of the model",
                needed="an optimizer of this model was needed",
                consequence="The model would stay as it is.",
                repair=f"{type(asked).__name__}(model.parameters(), ...) after the model is made and moved.",
            )
        return asked, f"{type(asked).__name__}({_settings(asked)})"
    if isinstance(asked, type) and issubclass(asked, torch.optim.Optimizer):
        made = asked(parameters) if learning_rate is None else asked(parameters, lr=learning_rate)
        return made, f"{asked.__name__}({_settings(made)})"
    first, *transforms = split_sum(asked) or [asked] if isinstance(asked, str) else [asked]
    item, options = _named(first, "optimizer", rules)
    if transforms:  # "adamw + clip_norm(1.0)"
        options["transforms"] = " + ".join(transforms)
    if not isinstance(item, Rule):
        raise UsageError(
            where="optimizer",
            seen=f"a {type(asked).__name__}",
            needed="a name, a rule of steepest.optim, or an optimizer was needed",
            repair='optimizer="adamw(lr=1e-3)", or optim.AdamW(model.parameters()).',
        )
    if learning_rate is not None and "lr" in options:
        raise UsageError(
            where="fit", seen="two learning rates", needed="one was needed", repair="Leave learning_rate out."
        )
    if learning_rate is not None:
        options["lr"] = learning_rate
    made = class_of(item)(parameters, **options)
    return made, " + ".join([f"{item.name}({_settings(made)})", *transforms])


def _named(asked: Any, kind: str, catalogue: Any) -> tuple[Any, dict[str, Any]]:
    """(the item, its options) of "adamw(lr=1e-3)"; anything else as it is."""
    if not isinstance(asked, str):
        return asked, {}
    name, options = parse_call(asked, kind)
    return catalogue[name], options


def _settings(optimizer: torch.optim.Optimizer) -> str:
    plain = {
        k: v for k, v in optimizer.defaults.items() if isinstance(v, (bool, int, float, str, tuple)) and v is not False
    }
    return ", ".join(f"{name}={value}" for name, value in sorted(plain.items()))


def _multipliers(asked: Any, optimizer: Any, train: Rows | Given, epochs: int) -> tuple[list[float], str]:
    """(one factor of the learning rate per step, what the schedule is in words)."""
    if asked is None or asked == "auto" and isinstance(optimizer, torch.optim.Optimizer):
        return [], "none"
    text = "warmup_cosine" if asked == "auto" else asked
    item, options = _named(text, "schedule", schedules)
    if not isinstance(item, Schedule):
        raise UsageError(
            where="schedule",
            seen=f"a {type(asked).__name__}",
            needed="a name, or a schedule of steepest.optim.schedules, was needed",
            repair='schedule="warmup_cosine(warmup=0.1)"; step a scheduler of torch in a callback.',
        )
    if train.n_batches is None:
        if asked == "auto":
            return [], "none"
        raise UsageError(
            where="fit",
            seen=f"{item.name} over a loader without a length",
            needed="the number of steps was needed",
            repair="schedule=None, or give the loader a __len__.",
        )
    n_steps = epochs * train.n_batches
    factors = item(torch.arange(n_steps, dtype=torch.float64), float(n_steps), **options)
    return factors.tolist(), f"{item.name}({', '.join(f'{k}={v}' for k, v in sorted(options.items()))})"


def _look_at_output(model: nn.Module, train: Rows | Given, seed: int) -> None:
    """The model takes the data, seen before the first step; nothing of the model changes."""
    if not isinstance(train, Rows):
        return
    inputs = mapped(lambda t: t[:2], train.inputs)
    modes = [(module, module.training) for module in model.modules()]
    try:
        with sealed("look", seed), torch.no_grad():
            called(model.eval(), inputs)
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


def _memory_format(asked: str, model: nn.Module, train: Rows | Given) -> torch.memory_format:
    if asked != "auto":
        return torch.channels_last if asked == "channels_last" else torch.contiguous_format
    if not isinstance(train, Rows) or not is_imagelike(model, train.inputs):
        return torch.contiguous_format
    return faster_format(model, train.inputs[: train.batch_size])

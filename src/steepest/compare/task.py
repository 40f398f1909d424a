"""A task: model, data and metric of a comparison, and what a seed fixes: split, scale, initialisation, batch order."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.declare import Metric
from steepest.core.errors import MetricError, ModelError, UsageError
from steepest.core.loss import Loss
from steepest.core.sealed import sealed
from steepest.core.streams import generator
from steepest.data.labels import LEFT_OUT
from steepest.data.split import Split, check_shares, draw_split
from steepest.data.standardise import Scale
from steepest.results.sampling import N_PARTS

from .own_losses import OwnLoss
from .places import Places
from .suits import refuse_arm
from .trial import Arm

DEFAULT_METRIC = {
    "classification": "accuracy",
    "multilabel": "multilabel_f1",
    "regression": "mean_squared_error",
}
SMALL_TEST_PART = 100
"""Below so many test samples, one of them moves a share by more than a point: every seed then draws its own test part."""


@dataclass(frozen=True)
class Part:
    """Rows as the models of one seed see them: x standardised; y class indices, or standardised numbers.

    truth: y in the data's own units; y_scale turns predictions into them (None for classes and labels).
    """

    x: Tensor
    y: Tensor
    truth: Tensor
    y_scale: Scale | None


class Task:
    """What all trials of a study share. `build_model()` gives a fresh nn.Module; data is a steepest.data.Data.

    resamples: every seed draws a test part of its own, as the data are few (below SMALL_TEST_PART test samples); else one
    test part is the same for all seeds.
    kind: what the target is and how many numbers the model gives for it (see suits.KINDS). places: where each place of a
    sample has a class. has_tokens: rows are whole numbers that the model looks up, so they are not standardised.
    """

    def __init__(
        self,
        build_model: Callable[[], nn.Module],
        data: Any,
        metric: Metric,
        *,
        batch_size: int = 64,
        select_share: float = 0.2,
        test_share: float = 0.2,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        check_shares(select_share, test_share)
        if batch_size < 1:
            raise UsageError(
                where="Task", seen=f"batch_size is {batch_size}", needed="at least 1 was needed", repair="64 is usual."
            )
        self.build_model, self.data, self.metric, self.seed = build_model, data, metric, seed
        self.select_share, self.test_share = select_share, test_share
        self.dtype, self.device = dtype, torch.device(device)
        self.is_classification = data.task == "classification"
        self.has_tokens = _looks_up(build_model, data.x, seed)
        self.x = data.x.to(self.device, torch.int64 if self.has_tokens else dtype)
        self.truth = data.y.to(self.device) if self.is_classification else data.y.to(self.device, dtype)
        self.resamples = round(test_share * len(data.y)) < SMALL_TEST_PART
        self._splits: dict[int, Split] = {}
        self._scales: dict[int, tuple[Scale, Scale | None]] = {}
        self.n_train = len(self.split(0).train)
        self.batch_size = min(batch_size, self.n_train)
        self.output_shape, self.gives_log_probs = self._look_at_output()
        self.places = self._find_places()
        self.n_classes = self.places.n_classes if self.places and self.places.n_classes > 1 else data.n_classes
        self._check_output()
        self._check_metric(metric)

    def on(self, device: torch.device | str) -> Task:
        """The same task with its rows on another device."""
        there = torch.device(device)
        if there == self.device:
            return self
        moved = copy.copy(self)
        moved.device, moved.x, moved.truth, moved._scales = there, self.x.to(there), self.truth.to(there), {}
        return moved

    # -- what a seed fixes -------------------------------------------------------------------------------------------

    def split(self, seed: int) -> Split:
        """Train and select are drawn anew for every seed, the test part where the data are few; classes keep their shares."""
        if seed not in self._splits:
            labels = self.data.strata
            self._splits[seed] = draw_split(
                len(self.data.y),
                None if labels is None else labels.cpu(),
                seed,
                study_seed=self.seed,
                select_share=self.select_share,
                test_share=self.test_share,
                own_test=self.resamples,
            )
        return self._splits[seed]

    def scales(self, seed: int) -> tuple[Scale, Scale | None]:
        """Of x and y (None for classes and labels), from the seed's training rows; tables per column, others overall."""
        if seed not in self._scales:
            rows = self.split(seed).train.to(self.device)
            y = _scale(self.truth.index_select(0, rows)) if self.data.task == "regression" else None
            x = Scale.none(self.dtype) if self.has_tokens else _scale(self.x.index_select(0, rows))
            self._scales[seed] = (x, y)
        return self._scales[seed]

    def train_set(self, seed: int) -> Part:
        return self._part(seed, self.split(seed).train)

    def select_set(self, seed: int) -> Part:
        return self._part(seed, self.split(seed).select)

    def test_set(self, seed: int) -> Part:
        return self._part(seed, self.split(seed).test)

    def _part(self, seed: int, rows: Tensor) -> Part:
        rows = rows.to(self.device)
        x_scale, y_scale = self.scales(seed)
        truth = self.truth.index_select(0, rows)
        return Part(
            x_scale.apply(self.x.index_select(0, rows)),
            truth if y_scale is None else y_scale.apply(truth),
            truth,
            y_scale,
        )

    def class_counts(self, seed: int) -> Tensor:
        """How many of the seed's training rows (or of their places) each class has, (C,) float64."""
        labels = self.truth.index_select(0, self.split(seed).train.to(self.device)).flatten()
        return torch.bincount(labels[labels != LEFT_OUT], minlength=int(self.n_classes)).double()

    def from_classes(self, arm: Arm, seed: int) -> dict[str, Any]:
        """What an arm's loss takes from the labels of the seed's training part: what the weighting gives, or the class counts;
        and the label of places that have none.

        A class without training rows counts as one with a single row, for which such losses are finite.
        """
        found = dict(self.ignored)
        if arm.weighting is not None:
            found[arm.weighting.gives] = arm.weighting(self.class_counts(seed), **arm.weighting_hyper)
        if arm.takes_counts:
            found["class_counts"] = self.class_counts(seed).clamp(min=1)
        return found

    @property
    def ignored(self) -> dict[str, Any]:
        """What tells a loss of the label of places that have no class."""
        return {"ignore_index": LEFT_OUT} if self.places is not None and bool((self.truth == LEFT_OUT).any()) else {}

    def build(self, seed: int) -> nn.Module:
        """A model initialised from the seed's own stream, in the task's dtype; the global generators stay put."""
        with sealed("init", self.seed, seed):
            model = self.build_model()
        if not isinstance(model, nn.Module):
            raise ModelError(
                where="model",
                seen=f"the factory gave a {type(model).__name__}",
                needed="a torch.nn.Module was needed",
                repair="Pass a class or a function that returns a fresh model.",
            )
        return _with_dtype(model, self.dtype).to(self.device)

    # -- batches -----------------------------------------------------------------------------------------------------

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Of one epoch. The rest is a smaller batch; a single row joins the batch before it (BatchNorm needs two)."""
        full, rest = divmod(self.n_train, self.batch_size)
        sizes = [self.batch_size] * full
        if rest == 1 and full:
            sizes[-1] += 1
        elif rest:
            sizes.append(rest)
        return tuple(sizes)

    @property
    def steps_per_epoch(self) -> int:
        return len(self.batch_sizes)

    def order(self, seed: int, epoch: int) -> Tensor:
        """Row numbers of the training part in the order in which an epoch reads them."""
        rows = self.split(seed).train
        return rows[torch.randperm(len(rows), generator=generator("batches", self.seed, seed, epoch))]

    # -- outputs, targets, scores ------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """The target's kind: a key of suits.KINDS."""
        if not self.is_classification:
            return "several labels" if self.data.task == "multilabel" else "numbers"
        if self.places is not None:
            where = "place" if len(self.places.shape) > 1 else "step"
            return f"one logit per {where}" if self.has_one_logit else f"{where}s"
        return "one logit" if self.has_one_logit else "labels"

    @property
    def has_one_logit(self) -> bool:
        """Two classes told apart by one number per row (or place): above zero means class 1."""
        if self.places is not None:
            return self.places.n_classes == 1
        return self.is_classification and (len(self.output_shape) == 0 or self.output_shape[0] == 1)

    def encode(self, loss: Loss, y: Tensor) -> Tensor:
        """The target that the loss asks for: class indices (a user's own loss, too), one-hot rows, or numbers shaped like
        the output.

        Where places have classes: of all places in a row, or maps for losses of regions.
        """
        if self.places is not None:
            return self.places.encode(loss, y, self.dtype)
        if not self.is_classification:
            return y.reshape(len(y), *self.output_shape)
        if self.has_one_logit:
            return y.to(self.dtype).reshape(len(y), *self.output_shape)
        if loss.target.name in ("classes", "own"):
            return y
        return nn.functional.one_hot(y, self.output_shape[0]).to(self.dtype)

    def score(self, metric: Metric, prediction: Tensor, part: Part | Sequence[Part]) -> Tensor:
        """The metric of each of K models in the data's own units: prediction (K, N, ...) -> (K,) float64.

        part: one for all, or one per model. NaN where a prediction is not finite.
        """
        parts = [part] * len(prediction) if isinstance(part, Part) else part
        is_finite = prediction.isfinite().flatten(1).all(1)
        outputs = self._in_own_units(prediction, parts)
        truth = parts[0].truth if isinstance(part, Part) else torch.stack([p.truth for p in parts])
        if self.places is not None or parts[0].truth.dim() > 2:  # each place is a sample
            truth = truth.flatten(0 if isinstance(part, Part) else 1)
        weight = None
        if self.places is not None and bool((truth == LEFT_OUT).any()):
            weight, truth = (truth != LEFT_OUT).double(), truth.clamp(min=0)
        said: dict[str, Any] = {"from_logits": True} if metric.asks_from_logits else {}
        if self.data.task == "multilabel" and "threshold" in metric.options:
            said["threshold"] = 0.0
        if "n_models" in metric.options:
            said["n_models"] = len(prediction)
        values = metric(outputs, truth, weight, **said).to("cpu", torch.float64)
        return torch.where(is_finite.cpu(), values, torch.nan)

    def jackknife(self, metric: Metric, prediction: Tensor, parts: Sequence[Part]) -> list[list[float]]:
        """For each of K models the metric with each of N_PARTS equal parts of the test samples left out, the same parts for
        all. Nothing where seeds have test parts of their own."""
        if self.resamples:
            return [[] for _ in prediction]
        n = len(parts[0].truth)
        order = torch.randperm(n, generator=generator("parts of the test part", self.seed))
        found = []
        for part in range(N_PARTS):
            keep = order[torch.arange(n) % N_PARTS != part].sort().values.to(self.device)
            fewer = [Part(p.x, p.y[keep], p.truth[keep], p.y_scale) for p in parts]
            found.append(self.score(metric, prediction[:, keep], fewer))
        return torch.stack(found, 1).tolist()

    def _in_own_units(self, prediction: Tensor, parts: Sequence[Part]) -> Tensor:
        """Outputs as metrics take them: a row of classes, of labels or of numbers per sample (or place)."""
        if self.is_classification:
            rows = prediction if self.places is None else self.places.rows(prediction)
            if not self.has_one_logit:
                return rows
            logit = rows.reshape(*rows.shape[:2])
            return torch.stack([torch.zeros_like(logit), logit], -1)
        if self.data.task == "multilabel":
            return prediction
        rows = prediction.reshape(len(prediction), *parts[0].truth.shape)
        scales = [p.y_scale for p in parts if p.y_scale is not None]
        spread, mean = torch.stack([s.spread for s in scales]), torch.stack([s.mean for s in scales])
        axes = (len(scales), *[1] * (rows.dim() - spread.dim()), *spread.shape[1:])
        values = rows * spread.reshape(axes) + mean.reshape(axes)
        return values.flatten(1) if values.dim() > 3 else values

    # -- what does not fit -------------------------------------------------------------------------------------------

    def check(self, arm: Arm) -> None:
        """Raise NotComparable when the arm cannot be trained on this task, with the repair."""
        refuse_arm(self, arm)
        if isinstance(arm.loss, OwnLoss):
            rows = min(4, len(self.x))
            output = torch.randn(rows, *self.output_shape, generator=generator("look"), dtype=self.dtype)
            target = self.encode(arm.loss, self.truth[:rows].cpu())
            arm.loss(output.requires_grad_(), target, **arm.loss_options)

    def _look_at_output(self) -> tuple[torch.Size, bool]:
        """Shape per row, and whether rows are log-probabilities, of an untrained model on two rows."""
        model, rows = self.build(0).eval(), self.split(0).train[:2].to(self.device)
        x = self.scales(0)[0].apply(self.x.index_select(0, rows))
        try:
            with sealed("look", self.seed), torch.no_grad():
                out = model(x)
        except Exception as error:
            raise ModelError(
                where=type(model).__name__,
                seen=f"a batch of shape {tuple(x.shape)} raised {type(error).__name__}: {error}",
                needed="the model must take a batch of the data",
                repair=f"One row has shape {tuple(x.shape[1:])}: does the first layer fit?",
            ) from error
        if not isinstance(out, Tensor) or out.dim() == 0 or len(out) != len(x):
            shape = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise ModelError(
                where=type(model).__name__,
                seen=f"{len(x)} rows gave {shape}",
                needed="one tensor with a row per row was needed",
                repair="Let forward return the outputs alone, of shape (N, ...).",
            )
        total = out.double().exp().sum(1) if out.dim() > 1 else out
        return out.shape[1:], out.dim() == 2 and out.shape[1] > 1 and bool((total - 1).abs().max() < 1e-4)

    def _find_places(self) -> Places | None:
        """How the output holds a class for each place; None where samples have one target."""
        if not self.data.has_places:
            return None
        shape = tuple(self.truth.shape[1:])
        found = Places.of(tuple(self.output_shape), shape, int(self.data.n_classes))
        if found is None:
            n, places = int(self.data.n_classes), ", ".join(map(str, shape))
            raise ModelError(
                where="model",
                seen=f"each row gives an output of shape {tuple(self.output_shape)}",
                needed=f"a number for each of {n} classes at each place, ({n}, {places}) or ({places}, {n}), was needed",
                repair=f"Let the last layer have {n} channels and the size of the target. Labels that mean none: {LEFT_OUT}.",
            )
        return found

    def _check_output(self) -> None:
        shape = tuple(self.output_shape)
        if self.places is not None:
            return
        if self.is_classification:
            n = int(self.data.n_classes)
            if shape == (n,) or (n == 2 and shape in ((), (1,))):
                return
            needed, repair = f"{n} outputs were needed, one per class", f"Let the last layer have {n} outputs."
        else:
            wanted = tuple(self.truth.shape[1:])
            if shape == wanted or (wanted in ((), (1,)) and shape in ((), (1,))):
                return
            size = " x ".join(map(str, wanted)) or "1"
            needed, repair = (
                f"{size} output(s) were needed, one per target",
                f"Let the last layer have {size} output(s).",
            )
        raise ModelError(where="model", seen=f"each row gives an output of shape {shape}", needed=needed, repair=repair)

    def _check_metric(self, metric: Metric) -> None:
        if metric.task not in ("any", self.data.task):
            raise MetricError(
                where=metric.name,
                seen=f"{metric.name} is a metric of {metric.task} and the data is a {self.data.task}",
                needed=f"a metric of {self.data.task} was needed",
                repair=f"For example {DEFAULT_METRIC[self.data.task]}.",
            )


def _scale(rows: Tensor) -> Scale:
    """Of tables and single numbers per column, of anything else over all."""
    return Scale.per_feature(rows) if rows.dim() <= 2 else Scale.overall(rows)


def _looks_up(build_model: Callable[[], Any], x: Tensor, seed: int) -> bool:
    """Whether rows of whole numbers (N, T) are what a model looks up: one of its embeddings has them all."""
    if x.dim() != 2 or not bool(((x >= 0) & (x == x.floor())).all()):
        return False
    with sealed("init", seed, 0):
        model = build_model()
    sizes = (
        [m.num_embeddings for m in model.modules() if isinstance(m, nn.Embedding)]
        if isinstance(model, nn.Module)
        else []
    )
    return bool(sizes) and int(x.max()) < max(sizes)


def _with_dtype(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """float32 parameters and buffers in another dtype; those that the model keeps in a dtype of its own stay."""
    return model if dtype == torch.float32 else model._apply(lambda t: t.to(dtype) if t.dtype == torch.float32 else t)

"""A task: model, data and metric of a comparison, and what a seed fixes: split, scale, initialisation, batch order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.declare import Metric, Weighting
from steepest.core.errors import MetricError, ModelError, NotComparable, UsageError
from steepest.core.loss import Loss
from steepest.core.sealed import sealed
from steepest.core.streams import generator
from steepest.data.split import Split, check_shares, draw_split
from steepest.data.standardise import Scale

from .trial import Arm

SMALL_TEST_PART = 100
"""Below so many test samples, one of them moves a share by more than a point: every seed then draws its own test part."""
BOUNDED = {"probs": "probabilities", "cosines": "cosines"}
LABEL_KINDS = ("classes", "distribution", "binary", "same")
"""The kinds of targets that can be made from class labels: indices, or one-hot rows for the others."""


@dataclass(frozen=True)
class Part:
    """Rows as the models of one seed see them: x standardised; y class indices, or standardised numbers.

    truth: y in the data's own units; y_scale turns predictions into them (None for classes).
    """

    x: Tensor
    y: Tensor
    truth: Tensor
    y_scale: Scale | None


class Task:
    """What all trials of a study share. `build_model()` gives a fresh nn.Module; data is a steepest.data.Data.

    resamples: every seed draws a test part of its own, as the data are few (below SMALL_TEST_PART test samples); else one
    test part is the same for all seeds.
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
        self.x = data.x.to(self.device, dtype)
        self.truth = data.y.to(self.device) if self.is_classification else data.y.to(self.device, dtype)
        self.resamples = round(test_share * len(data.y)) < SMALL_TEST_PART
        self._splits: dict[int, Split] = {}
        self._scales: dict[int, tuple[Scale, Scale | None]] = {}
        self.n_train = len(self.split(0).train)
        self.batch_size = min(batch_size, self.n_train)
        self.output_shape, self._gives_log_probs = self._look_at_output()
        self._check_output()
        self._check_metric(metric)

    # -- what a seed fixes -------------------------------------------------------------------------------------------

    def split(self, seed: int) -> Split:
        """Train and select are drawn anew for every seed, the test part where the data are few; classes keep their shares."""
        if seed not in self._splits:
            labels = self.data.y.cpu() if self.is_classification else None
            self._splits[seed] = draw_split(
                len(self.data.y),
                labels,
                seed,
                study_seed=self.seed,
                select_share=self.select_share,
                test_share=self.test_share,
                own_test=self.resamples,
            )
        return self._splits[seed]

    def scales(self, seed: int) -> tuple[Scale, Scale | None]:
        """Of x and y (None for classes), from the seed's training rows; tables per column, images over all pixels."""
        if seed not in self._scales:
            rows = self.split(seed).train.to(self.device)
            x = self.x.index_select(0, rows)
            y = None if self.is_classification else Scale.per_feature(self.truth.index_select(0, rows))
            self._scales[seed] = (Scale.per_feature(x) if x.dim() == 2 else Scale.overall(x), y)
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
        """How many of the seed's training rows each class has, (C,) float64."""
        labels = self.truth.index_select(0, self.split(seed).train.to(self.device))
        return torch.bincount(labels, minlength=int(self.data.n_classes)).double()

    def from_classes(self, arm: Arm, seed: int) -> dict[str, Tensor]:
        """What an arm's loss takes from the class counts of the seed's training part: what the weighting gives, or the counts.

        A class without training rows counts as one with a single row, for which such losses are finite.
        """
        found: dict[str, Tensor] = {}
        if arm.weighting is not None:
            found[arm.weighting.gives] = arm.weighting(self.class_counts(seed), **arm.weighting_hyper)
        if arm.takes_counts:
            found["class_counts"] = self.class_counts(seed).clamp(min=1)
        return found

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
    def has_one_logit(self) -> bool:
        """Two classes told apart by one number per row: above zero means class 1."""
        return self.is_classification and (len(self.output_shape) == 0 or self.output_shape[0] == 1)

    def encode(self, loss: Loss, y: Tensor) -> Tensor:
        """The target that the loss asks for: class indices, one-hot rows, or numbers shaped like the output."""
        if not self.is_classification:
            return y.reshape(len(y), *self.output_shape)
        if self.has_one_logit:
            return y.to(self.dtype).reshape(len(y), *self.output_shape)
        if loss.target.name == "classes":
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
        values = metric(outputs, truth).to("cpu", torch.float64)
        return torch.where(is_finite.cpu(), values, torch.nan)

    def _in_own_units(self, prediction: Tensor, parts: Sequence[Part]) -> Tensor:
        if self.is_classification:
            if not self.has_one_logit:
                return prediction
            logit = prediction.reshape(*prediction.shape[:2])
            return torch.stack([torch.zeros_like(logit), logit], -1)
        rows = prediction.reshape(len(prediction), *parts[0].truth.shape)
        scales = [p.y_scale for p in parts if p.y_scale is not None]
        spread, mean = torch.stack([s.spread for s in scales]), torch.stack([s.mean for s in scales])
        return rows * spread.unsqueeze(1) + mean.unsqueeze(1)

    # -- what does not fit -------------------------------------------------------------------------------------------

    def check(self, arm: Arm) -> None:
        """Raise NotComparable when the arm's loss cannot be trained on this task, with the repair."""
        loss, kind = arm.loss, arm.loss.target.name
        if not self.is_classification and kind != "same":
            raise NotComparable(
                where=loss.name,
                seen=f"the data is a regression and {loss.name} takes {loss.target.says}",
                needed="a loss of plain numbers was needed (they are standardised, so of either sign)",
                repair="mse, l1 or huber.",
            )
        if kind not in LABEL_KINDS:
            raise NotComparable(
                where=loss.name,
                seen=f"the data is a classification and {loss.name} takes {loss.target.says}",
                needed="a loss of class labels was needed",
                repair="cross_entropy, focal or square.",
            )
        if self.has_one_logit and loss.target.has_class_axis:
            raise NotComparable(
                where=loss.name,
                seen=f"the model gives one number per row and {loss.name} needs one per class",
                needed="a loss of single numbers, or a model with two outputs, was needed",
                repair="bce_with_logits, or let the model end in 2 outputs.",
            )
        if loss.expects == "log_probs" and not self._gives_log_probs:
            raise NotComparable(
                where=loss.name,
                seen=f"{loss.name} takes log-probabilities and the model gives plain outputs",
                needed="a loss of logits was needed",
                consequence="Without a log-softmax its value falls for ever and nothing is learned.",
                repair="cross_entropy is the same loss of logits; or let the model end in log_softmax.",
            )
        if loss.expects in BOUNDED:
            raise NotComparable(
                where=loss.name,
                seen=f"{loss.name} takes {BOUNDED[loss.expects]} and arms share one model, whose outputs others take as logits",
                needed="a loss of logits was needed",
                consequence="Its value would be that of numbers which mean something else.",
                repair="bce_with_logits or cross_entropy.",
            )
        if arm.weighting is not None:
            self._check_weighting(arm.weighting, loss)

    def _check_weighting(self, weighting: Weighting, loss: Loss) -> None:
        """Class weights need classes, and a loss that takes class indices; what reads the model's odds needs logits."""
        if not self.is_classification:
            raise NotComparable(
                where=weighting.name,
                seen="the data is a regression",
                needed="classes were needed to weigh",
                repair='Leave weightings out, or pass task="classification" if the target is meant so.',
            )
        if loss.target.name != "classes":
            raise NotComparable(
                where=weighting.name,
                seen=f"{loss.name} takes {loss.target.says}, and no class weights",
                needed="a loss of class indices was needed",
                consequence="The arm would train without the weights and bear their name.",
                repair="cross_entropy, focal and square take them; it competes unweighted as a baseline: "
                f'baseline="{loss.name} + adamw".'
                if not self.has_one_logit
                else "Let the model end in 2 outputs and use cross_entropy; or bce_with_logits(pos_weight=...).",
            )
        if weighting.gives != "class_weight" and loss.expects != "logits":
            raise NotComparable(
                where=weighting.name,
                seen=f"{loss.name} takes {loss.expects}, and {weighting.name} reads or shifts the odds that logits give",
                needed="a loss of logits was needed",
                repair="cross_entropy, focal or gce; inverse_frequency and effective_number weigh the classes of any loss.",
            )

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

    def _check_output(self) -> None:
        shape = tuple(self.output_shape)
        if self.is_classification:
            n = int(self.data.n_classes)
            if shape == (n,) or (n == 2 and shape in ((), (1,))):
                return
            needed, repair = f"{n} outputs were needed, one per class", f"Let the last layer have {n} outputs."
        else:
            wanted = tuple(self.truth.shape[1:])
            if shape == wanted or (wanted in ((), (1,)) and shape in ((), (1,))):
                return
            needed = f"{wanted[0] if wanted else 1} output(s) were needed, one per target column"
            repair = f"Let the last layer have {wanted[0] if wanted else 1} output(s)."
        raise ModelError(where="model", seen=f"each row gives an output of shape {shape}", needed=needed, repair=repair)

    def _check_metric(self, metric: Metric) -> None:
        if metric.task not in ("any", self.data.task):
            raise MetricError(
                where=metric.name,
                seen=f"{metric.name} is a metric of {metric.task} and the data is a {self.data.task}",
                needed=f"a metric of {self.data.task} was needed",
                repair="accuracy or f1." if self.is_classification else "mean_squared_error or r2.",
            )


def _with_dtype(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """float32 parameters and buffers in another dtype; those that the model keeps in a dtype of its own stay."""
    return model if dtype == torch.float32 else model._apply(lambda t: t.to(dtype) if t.dtype == torch.float32 else t)

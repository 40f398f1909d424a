"""What classifier and regressor share: one run of `fit` on arrays, outputs in batches, pickles without torch's."""

from __future__ import annotations

import copy
from typing import Any

import numpy
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import Tensor, nn

from steepest.core.errors import DataError, ModelError
from steepest.core.sealed import sealed
from steepest.fit import History, fit
from steepest.fit.objective import as_loss
from steepest.fit.stepping import optimizer_of
from steepest.models import Facts, factory_of

from .packed import packed, unpacked

Array = NDArray[Any]
ROWS_AT_ONCE = 4096
SOUND: set[tuple[str, str, tuple[int, ...]]] = set()
"""Modules and losses that were looked at before: a search fits the same ones a thousand times, at 45 ms a look."""


class Estimator(BaseEstimator):  # type: ignore[misc]
    """The common part; see Classifier and Regressor."""

    def __init__(
        self,
        module: Any = "mlp",
        *,
        loss: Any = "mse",
        optimizer: Any = "nadamw",
        learning_rate: float | None = None,
        schedule: Any = "auto",
        epochs: int = 100,
        batch_size: int = 64,
        validation: float | None = None,
        patience: int | None = None,
        options: dict[str, Any] | None = None,
        device: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None:
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation = validation
        self.patience = patience
        self.options = options
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    _optimizer: Any = None

    def _read(self, X: Any, y: Any, **how: Any) -> tuple[Array, Array]:
        """Rows and targets as scikit-learn takes them: finite numbers, one target each, float32 or else float64."""
        read: tuple[Array, Array] = validate_data(
            self, X, y, dtype=[numpy.float64, numpy.float32], allow_nd=True, multi_output=True, **how
        )
        return read

    def _weights(self, sample_weight: Any, X: Array) -> Array | None:
        """One weight per row; None where all count alike."""
        if sample_weight is None:
            return None
        weight: Array = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
        if not weight.any():
            raise DataError(
                where=type(self).__name__,
                seen="all sample weights are zero",
                needed="at least one row that counts was needed",
                repair="sample_weight=None counts all rows alike.",
            )
        return weight

    def _learn(self, X: Array, target: Any, weight: Array | None, n_outputs: int, n_classes: int | None) -> None:
        """Make the module, or go on with the one that there is, and train it.

        target: a function of the module's number of outputs that gives the tensor.
        """
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        x = torch.tensor(X)
        self.loss_ = as_loss(self.loss)
        if not (self.warm_start and hasattr(self, "module_")):
            self.module_ = self._made(x, n_outputs, n_classes, seed)
        self._optimizer = None
        asked = {"optimizer": self.optimizer, "learning_rate": self.learning_rate, "schedule": self.schedule}
        asked |= {"epochs": self.epochs, "validation": self.validation, "patience": self.patience}
        self.history_ = self._trained(x, target(self._width(x)), weight, seed, asked)
        self.n_iter_ = len(self.history_)

    def _learn_more(self, X: Array, target: Any, weight: Array | None, n_outputs: int, n_classes: int | None) -> None:
        """One pass over these rows from the weights that there are; the optimizer remembers the passes before."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        x = torch.tensor(X)
        if not hasattr(self, "module_"):
            self.loss_, self.n_iter_ = as_loss(self.loss), 0
            self.module_ = self._made(x, n_outputs, n_classes, seed)
        if getattr(self, "_optimizer", None) is None:
            self._optimizer, _ = optimizer_of(self.optimizer, self.module_, self.learning_rate)
        x = x.to(next(self.module_.parameters()).dtype)
        asked = {"optimizer": self._optimizer, "schedule": None, "epochs": 1}
        y = target(self._width(x))
        y = y.to(x.dtype) if y.is_floating_point() else y
        self.history_ = self._trained(x, y, weight, seed + self.n_iter_, asked)
        self.n_iter_ += 1

    def _trained(self, x: Tensor, y: Tensor, weight: Array | None, seed: int, asked: dict[str, Any]) -> History:
        """The history of a run of `fit` on the module, which is then ready to be asked."""
        if weight is not None:
            alive = torch.tensor(weight != 0)  # a row of weight 0 is as good as absent, for BatchNorm too
            x, y = x[alive], y[alive]
        sound = repr(self.module_), repr(self.loss_), tuple(x.shape[1:])
        history = fit(
            self.module_,
            (x, y) if weight is None else (x, y, torch.tensor(weight[weight != 0])),
            loss=self.loss_,
            batch_size=self.batch_size,
            device=self._device(),
            seed=seed,
            progress=bool(self.verbose),
            **asked,
            **{"check": sound not in SOUND, **(self.options or {})},
        )
        SOUND.add(sound)
        history.model = None  # it is module_; a pickle holds it once, without torch's own pickling
        self.module_.eval()
        return history

    def _made(self, x: Tensor, n_outputs: int, n_classes: int | None, seed: int) -> nn.Module:
        """A copy of the module that was given, with its weights; else a fresh one from the seed."""
        if isinstance(self.module, nn.Module):
            made = copy.deepcopy(self.module)
        else:
            facts = Facts(n_features=x[0].numel(), n_outputs=n_outputs, shape=tuple(x.shape[1:]), n_classes=n_classes)
            with sealed("init", seed):
                made = factory_of(self.module)(facts)
        return made.to(self._device(), x.dtype).eval()

    def _width(self, x: Tensor) -> int:
        """Numbers that the module gives per row."""
        try:
            output = self._outputs(x[:2])
        except Exception as error:
            raise ModelError(
                where=type(self.module_).__name__,
                seen=f"a batch of shape {tuple(x[:2].shape)} raised {type(error).__name__}: {error}",
                needed="the module must take a batch of the data",
                repair="Does the first layer fit one row?",
            ) from error
        return output[0].numel()

    def _output_of(self, X: Any) -> Tensor:
        """What the module gives for rows of the user, on the CPU."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[numpy.float64, numpy.float32], allow_nd=True)
        return self._outputs(torch.tensor(X))

    def _outputs(self, x: Tensor) -> Tensor:
        weights = next(self.module_.parameters())
        x = x.to(weights.dtype)
        with torch.no_grad():
            return torch.cat([self.module_(rows.to(weights.device)).cpu() for rows in x.split(ROWS_AT_ONCE)])

    def _device(self) -> torch.device:
        return torch.device(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))

    def __getstate__(self) -> dict[str, Any]:
        """An optimizer's memory is not kept: after a pickle or a copy partial_fit begins with a new one."""
        state = super().__getstate__()
        return {name: packed(value) for name, value in state.items() if name != "_optimizer"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({name: unpacked(value) for name, value in state.items()})

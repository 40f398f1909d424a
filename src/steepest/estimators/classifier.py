"""A classifier for scikit-learn: fit, predict, predict_proba, decision_function."""

from __future__ import annotations

from typing import Any

import numpy
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d
from torch import Tensor

from steepest.core.errors import DataError, UsageError
from steepest.fit.links import ONE_HOT, has_probabilities, probabilities, refuse_other_losses, what_it_takes
from steepest.fit.objective import as_loss

from .base import Array, Estimator

KINDS = ("classes", *ONE_HOT)


def _has_probabilities(estimator: Classifier) -> bool:
    return has_probabilities(as_loss(estimator.loss))


class Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    """A module that is trained as a scikit-learn classifier: for pipelines, searches, cross-validation, pickles.

    module: "mlp", "mlp(width=128)", "file.py:Net", a class or function that makes one for the data, or an nn.Module,
    of which a copy is trained from the weights that it has.
    loss: a name ("focal(gamma=2)"), one of steepest.losses or torch.nn, or a function of (output, labels).
    optimizer, learning_rate, schedule, epochs, batch_size, patience: as in `steepest.fit`; validation: the share of
    rows set aside to see when it gets no better. options: further arguments of `steepest.fit`, {"clip_norm": 1.0}.
    class_weight: "balanced", or a weight for each class. device: the GPU if there is one.
    random_state: a number makes everything repeat to the last bit. warm_start: fit goes on from the weights of the fit
    before, of the same classes and columns.

    Computes in the precision of X: float32 is twice as fast as float64. Standardise tables before (StandardScaler).
    Of loss functions without probabilities (hinge) predict_proba is missing, as in scikit-learn's own.

    >>> from sklearn.datasets import load_iris
    >>> from steepest import Classifier
    >>> x, y = load_iris(return_X_y=True)
    >>> Classifier(loss="focal(gamma=2)", random_state=0).fit(x, y).score(x, y) > 0.9
    True

    Raises ValueErrors as scikit-learn's estimators do, and a SteepestError for what cannot be trained.
    """

    _has_labels = False

    def __init__(
        self,
        module: Any = "mlp",
        *,
        loss: Any = "cross_entropy",
        optimizer: Any = "nadamw",
        learning_rate: float | None = None,
        schedule: Any = "auto",
        epochs: int = 100,
        batch_size: int = 64,
        class_weight: Any = None,
        validation: float | None = None,
        patience: int | None = None,
        options: dict[str, Any] | None = None,
        device: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            module,
            loss=loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            schedule=schedule,
            epochs=epochs,
            batch_size=batch_size,
            validation=validation,
            patience=patience,
            options=options,
            device=device,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Train on X (N, *) and labels y (N,) of any kind that scikit-learn takes; sample_weight (N,).

        y (N, L) of zeros and ones: several labels per row, each a question of its own; class_weight is then not taken.
        """
        refuse_other_losses("Classifier", as_loss(self.loss), KINDS)
        X, y = self._read(X, y)
        self._has_labels = y.ndim == 2 and y.shape[1] > 1 and type_of_target(y) == "multilabel-indicator"
        if self._has_labels:
            return self._fit_labels(X, y, self._weights(sample_weight, X))
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        found, labels = numpy.unique(y, return_inverse=True)
        self._refuse_other_classes(found)
        self.classes_ = found
        weight = self._class_weights(y, labels, self._weights(sample_weight, X), X.dtype)
        self._refuse_one_class(labels if weight is None else labels[weight != 0])
        n_classes = len(self.classes_)
        kind, _ = what_it_takes(as_loss(self.loss))
        n_outputs = 1 if n_classes == 2 and kind in ("binary", "multilabel") else n_classes

        dtype = torch.tensor(X[:1]).dtype
        self._learn(X, lambda width: self._target(labels, width, kind, dtype), weight, n_outputs, n_classes)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Classifier:
        """One pass over these rows. classes: all labels that will come, needed at the first call."""
        refuse_other_losses("Classifier", as_loss(self.loss), KINDS)
        is_first = _check_partial_fit_first_call(self, classes)
        X, y = self._read(X, y, reset=is_first)
        y = column_or_1d(y, warn=True)
        unknown = sorted(set(numpy.unique(y).tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise DataError(
                where="Classifier",
                seen=f"a label {unknown[0]!r}",
                needed=f"one of {', '.join(map(str, self.classes_))} was needed",
                repair="Name all classes at the first call: partial_fit(X, y, classes=...).",
            )
        labels = numpy.searchsorted(self.classes_, y)
        weight = self._class_weights(y, labels, self._weights(sample_weight, X), X.dtype)
        n_classes, (kind, _) = len(self.classes_), what_it_takes(as_loss(self.loss))
        n_outputs = 1 if n_classes == 2 and kind in ("binary", "multilabel") else n_classes
        dtype = torch.tensor(X[:1]).dtype if is_first else next(self.module_.parameters()).dtype
        self._learn_more(X, lambda width: self._target(labels, width, kind, dtype), weight, n_outputs, n_classes)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = what_it_takes(as_loss(self.loss))[0] in ("binary", "multilabel")
        return tags

    def _fit_labels(self, X: Array, y: Array, weight: Array | None) -> Classifier:
        if what_it_takes(as_loss(self.loss))[0] not in ("binary", "multilabel") or self.class_weight is not None:
            raise UsageError(
                where="Classifier",
                seen=f"y of shape {y.shape}, {as_loss(self.loss)!r} and class_weight={self.class_weight!r}",
                needed="of several labels per row a loss that asks about each label, and no class_weight, was needed",
                repair='loss="bce_with_logits"; sample_weight weighs rows.',
            )
        self.classes_ = numpy.arange(y.shape[1])
        target = torch.tensor(y.astype(X.dtype))

        def of_width(width: int) -> Tensor:
            if width != y.shape[1]:
                raise DataError(
                    where="Classifier",
                    seen=f"the module gives {width} numbers per row and there are {y.shape[1]} labels",
                    needed="one number for each label was needed",
                    repair="Let the module's function take n_outputs, or give its last layer as many outputs.",
                )
            return target

        self._learn(X, of_width, weight, y.shape[1], y.shape[1])
        return self

    def predict(self, X: Any) -> Array:
        """The label of each row; of several labels zeros and ones (N, L)."""
        if self._has_labels:
            return (self._scores(X) > 0).long().numpy()  # type: ignore[no-any-return]
        scores = self._scores(X)
        best = scores.argmax(1) if scores.dim() == 2 else (scores > 0).long()
        found: Array = self.classes_[best.numpy()]
        return found

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """(N, C), in the order of classes_; of several labels that of each to be there, (N, L)."""
        output = self._output_of(X)
        if self._has_labels:
            return probabilities(self.loss_, output.reshape(len(output), -1), each=True).numpy()  # type: ignore[no-any-return]
        found: Array = probabilities(self.loss_, output.reshape(len(output), -1)).numpy()
        return found

    def decision_function(self, X: Any) -> Array:
        """Scores (N, C); for two classes (N,), above 0 for the second one."""
        found: Array = self._scores(X).numpy()
        return found

    def _scores(self, X: Any) -> Tensor:
        output = self._output_of(X)
        scores = output.reshape(len(output), -1)
        if self._has_labels:
            return scores - 0.5 if what_it_takes(self.loss_)[1] == "probs" else scores
        if scores.shape[1] == 1:
            return scores[:, 0] - 0.5 if what_it_takes(self.loss_)[1] == "probs" else scores[:, 0]
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _target(self, labels: Array, width: int, kind: str, dtype: torch.dtype) -> Tensor:
        """Labels in the form that the loss takes for a module that gives `width` numbers per row."""
        indices, n_classes = torch.tensor(labels), len(self.classes_)
        if width == 1 and n_classes == 2:
            return indices.reshape(-1, 1).to(dtype)
        if width != n_classes:
            raise DataError(
                where="Classifier",
                seen=f"the module gives {width} numbers per row and there are {n_classes} classes",
                needed="one number for each class, or one for two classes, was needed",
                repair="Let the module's function take n_classes, or give its last layer as many outputs.",
            )
        return torch.nn.functional.one_hot(indices, n_classes).to(dtype) if kind in ONE_HOT else indices

    def _class_weights(self, y: Array, labels: Array, weight: Array | None, dtype: Any) -> Array | None:
        """Sample weights times the weight of the row's class."""
        if self.class_weight is None:
            return weight
        of_class = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        found: Array = of_class[labels].astype(dtype) * (1 if weight is None else weight)
        return found

    def _refuse_other_classes(self, found: Array) -> None:
        if self.warm_start and hasattr(self, "module_") and not numpy.array_equal(found, self.classes_):
            raise DataError(
                where="Classifier",
                seen=f"classes {', '.join(map(str, found))} and warm_start=True",
                needed=f"those of the fit before were needed: {', '.join(map(str, self.classes_))}",
                repair="warm_start=False begins anew.",
            )

    def _refuse_one_class(self, labels: Array) -> None:
        if len(numpy.unique(labels)) < 2:
            raise DataError(
                where="Classifier",
                seen="all rows that count are of one class",
                needed="at least two classes were needed",
                consequence="Any model would be right by always giving that answer.",
                repair="Were the rows filtered by the target?",
            )

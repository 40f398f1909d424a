"""A regressor for scikit-learn: fit, predict."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.base import RegressorMixin

from steepest.core.errors import DataError
from steepest.fit.links import refuse_other_losses, what_it_takes
from steepest.fit.objective import as_loss

from .base import Array, Estimator


class Regressor(RegressorMixin, Estimator):  # type: ignore[misc]
    """A module that is trained as a scikit-learn regressor, of one target or of several.

    The arguments are those of Classifier. Standardise tables and targets before (StandardScaler,
    TransformedTargetRegressor): a module starts near zero and is slow to reach a price of 300,000.
    Trained with a loss of counts and amounts (poisson_nll, gamma, tweedie) it predicts means.

    >>> from sklearn.datasets import make_regression
    >>> from steepest import Regressor
    >>> x, y = make_regression(200, 5, random_state=0)
    >>> Regressor("linear", loss="huber", learning_rate=0.1, random_state=0).fit(x, y / 100).score(x, y / 100) > 0.9
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Train on X (N, *) and numbers y (N,) or (N, T); sample_weight (N,)."""
        self._learn(*self._asked(X, y, sample_weight))
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """One pass over these rows, from the weights that there are."""
        self._learn_more(*self._asked(X, y, sample_weight, reset=not hasattr(self, "module_")))
        return self

    def _asked(self, X: Any, y: Any, sample_weight: Any, **how: Any) -> tuple[Array, Any, Array | None, int, None]:
        """Rows, targets of a width, weights, the number of targets, and no classes."""
        refuse_other_losses("Regressor", as_loss(self.loss), ("same", "amounts"))
        X, y = self._read(X, y, y_numeric=True, **how)
        weight = self._weights(sample_weight, X)
        numbers = torch.tensor(y.astype(X.dtype)).reshape(len(y), -1)
        self._n_columns = None if y.ndim == 1 else y.shape[1]

        def target(width: int) -> torch.Tensor:
            if width != numbers.shape[1]:
                raise DataError(
                    where="Regressor",
                    seen=f"the module gives {width} numbers per row and there are {numbers.shape[1]} targets",
                    needed="as many outputs as targets were needed",
                    repair="Let the module's function take n_outputs, or give its last layer as many outputs.",
                )
            return numbers if self._outputs(torch.tensor(X[:2])).dim() == 2 else numbers[:, 0]

        return X, target, weight, numbers.shape[1], None

    def predict(self, X: Any) -> Array:
        """(N,), or (N, T) where y had columns."""
        output = self._output_of(X)
        if what_it_takes(self.loss_)[1] == "log_means":
            output = output.exp()
        found: Array = output.reshape(len(output), -1).numpy()
        return found[:, 0] if self._n_columns is None else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

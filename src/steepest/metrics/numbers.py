"""Predictions and targets that are numbers, one model's or K's, with one column per target value."""

from __future__ import annotations

import torch
from torch import Tensor

from steepest.core.errors import DtypeError, ShapeError
from steepest.core.rows import Rows, with_lead
from steepest.core.shapes import mismatch

from .accept import dense_tensor, sample_weight

WHERE = "regression metric"


def number_rows(
    prediction: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    n_outputs: int | None = None,
) -> Rows:
    """Numbers in float64, (..., N, T) for T target columns.

    prediction (N,), (K, N) for K models, or (K, N, T); target (N,) or (N, T), or with one block per model (K, N) or
    (K, N, T). With n_outputs=T the last axis is always the columns: (N, T) is one model with T target columns, not N
    models. weight (N,) or (K, N); samples of weight 0 are not read. A NaN makes the value NaN.
    """
    prediction, target = _accept("prediction", prediction), _accept("target", target)
    prediction, target = _with_columns(prediction, target, n_outputs)
    n_lead = prediction.dim() - 2
    target = with_lead(target.to(prediction.device), n_lead, 2)
    if weight is not None:
        weight = sample_weight(WHERE, weight, prediction.shape[:-1]).to(prediction.device)
        weight = with_lead(weight, n_lead, 1)
        alive = (weight != 0).unsqueeze(-1)
        prediction, target = torch.where(alive, prediction, 0.0), torch.where(alive, target, 0.0)
    return Rows(prediction, target, weight, n_lead, {"n_outputs": prediction.shape[-1]})


def weights_of(rows: Rows) -> Tensor:
    """(..., N, 1), ones where none were given."""
    if rows.weight is None:
        return torch.ones((), dtype=torch.float64, device=rows.prediction.device).expand(
            *(1,) * rows.n_lead, len(rows), 1
        )
    return rows.weight.unsqueeze(-1)


def _accept(name: str, value: object) -> Tensor:
    numbers = dense_tensor(WHERE, name, value)
    if numbers.is_complex() or numbers.dtype == torch.bool:
        raise DtypeError(
            where=WHERE,
            seen=f"{name} is {numbers.dtype}",
            needed="numbers were needed",
            repair=f"{name}.abs() or {name}.real for complex numbers."
            if numbers.is_complex()
            else f"For classes take accuracy; as numbers: {name}.double().",
        )
    return numbers.double()


def _with_columns(prediction: Tensor, target: Tensor, n_outputs: int | None) -> tuple[Tensor, Tensor]:
    """prediction (..., N, T) and target (N, T) or with the same lead."""
    has_columns = prediction.dim() > 2 if n_outputs is None else True
    own, shared = prediction.shape, prediction.shape[-2:] if has_columns else prediction.shape[-1:]
    fits = target.shape in (own, shared) and prediction.dim() >= (2 if has_columns else 1)
    if not fits or n_outputs not in (None, own[-1]):
        raise _misfit(prediction, target, shared, n_outputs)
    return (prediction, target) if has_columns else (prediction.unsqueeze(-1), target.unsqueeze(-1))


def _misfit(prediction: Tensor, target: Tensor, shared: torch.Size, n_outputs: int | None) -> ShapeError:
    if prediction.numel() == target.numel() and prediction.shape != target.shape:
        return mismatch(WHERE, prediction.shape, target.shape)
    said = "" if n_outputs is None else f" with n_outputs={n_outputs}"
    repair = f"A target of shape {tuple(shared)} for all models, or {tuple(prediction.shape)} with a block per model."
    if n_outputs is None and prediction.dim() == 2 and target.dim() == 2 and target.shape[0] == prediction.shape[0]:
        repair = "Does the model give as many outputs per sample as the target has values?"
    if prediction.dim() == 3 and prediction.shape[-1] == 1 and target.shape == prediction.shape[-2:-1]:
        repair = "Did you mean prediction.squeeze(-1)?"
    return ShapeError(
        where=WHERE,
        seen=f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}{said}",
        needed="a number per target value, of one model or of K, was needed",
        repair=repair,
    )

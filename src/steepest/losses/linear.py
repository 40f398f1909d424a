"""Linear: the last layer and its loss in one, by chunks of rows, so that all logits never exist at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from steepest.core import accept, reduce
from steepest.core.batch import IgnoreIndex, Options, both, ignored, liveness
from steepest.core.chunks import Head, Problem, Rows
from steepest.core.domains import Interval, check_value
from steepest.core.errors import ShapeError, UsageError
from steepest.core.loss import Loss
from steepest.core.reduce import Empty, Items, Normalize, Reduction
from steepest.losses.cross_entropy import cross_entropy

CHUNK_ROWS, CHUNK_BYTES = 256, 2**25
"""Rows of an automatic chunk: 32 MB of logits, but never fewer than 256 rows, so that the matrix products stay fast."""

NAME = "linear"


class LinearLoss:
    """`losses.linear(input, weight, target, bias)`: `loss(input @ weight.T + bias, target)`, logits chunk by chunk.

    input (..., D), such as (N, D) or (B, T, D); weight (V, D) and bias (V,) as in torch.nn.Linear; target as the loss
    wants it for logits (..., V): class indices (...), or rows (..., V). The rest is the contract of every loss. What a
    loss calls weight is `sample_weight` here: one per sample, or per item.

    loss: any loss of the catalogue whose items do not see each other. Its hyperparameters are given by name.
    chunk: rows at a time, or "auto".
    z_loss: this times the squared logsumexp of an item's logits is added to its value.
    softcap: logits x become softcap * tanh(x / softcap).

    Peak memory: inputs, gradients and one chunk of logits for cross-entropy and focal with hard labels where they are
    compiled, else some chunks. So too under torch.func.vmap of grad, for all trials together. Other transforms, second
    derivatives, and gradients of weights of samples or of hyperparameters make all logits at once.
    """

    __name__ = NAME

    def __call__(
        self,
        input: Tensor,
        weight: Tensor,
        target: Tensor,
        bias: Tensor | None = None,
        *,
        loss: Loss = cross_entropy,
        chunk: int | Literal["auto"] = "auto",
        z_loss: float | Tensor = 0.0,
        softcap: float | Tensor | None = None,
        sample_weight: Tensor | None = None,
        mask: Tensor | None = None,
        class_weight: Tensor | None = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float | Tensor = 0.0,
        reduction: Reduction = "mean",
        normalize: Normalize = "weight",
        denominator: float | Tensor | None = None,
        empty: Empty = "zero",
        **hyper: Any,
    ) -> Tensor:
        """The reduced loss, at least float32."""
        reduce.check_words(NAME, reduction, normalize, empty)
        options = {"class_weight": class_weight, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
        options = {name: value for name, value in options.items() if value is not None}
        problem = _problem(
            input, weight, target, bias, Head(loss, {**options, **hyper}, z_loss, softcap), sample_weight, mask, chunk
        )
        if reduction in ("none", "sample"):
            return reduce.reduce(_in_shape(problem.items(), problem.lead), reduction, normalize, None, empty)
        if reduction == "batchmean":
            normalize, denominator = "batch", None
        numerator, bottom = _parts(problem, normalize, denominator)
        return numerator if reduction == "sum" else reduce.quotient(numerator, bottom, empty)

    def parts(
        self,
        input: Tensor,
        weight: Tensor,
        target: Tensor,
        bias: Tensor | None = None,
        *,
        loss: Loss = cross_entropy,
        chunk: int | Literal["auto"] = "auto",
        z_loss: float | Tensor = 0.0,
        softcap: float | Tensor | None = None,
        sample_weight: Tensor | None = None,
        mask: Tensor | None = None,
        normalize: Normalize = "weight",
        denominator: float | Tensor | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor]:
        """(numerator, denominator): sums over micro-batches or ranks give the loss of the whole by one division."""
        head = Head(loss, options, z_loss, softcap)
        return _parts(_problem(input, weight, target, bias, head, sample_weight, mask, chunk), normalize, denominator)


linear = LinearLoss()


def _parts(problem: Problem, normalize: Normalize, denominator: float | Tensor | None) -> tuple[Tensor, Tensor]:
    numerator, bottom = problem.sums("weight" if normalize == "batch" else normalize)
    if denominator is None and normalize == "batch":
        denominator = problem.lead[0] if problem.lead else 1
    if denominator is not None:
        bottom = torch.as_tensor(denominator, dtype=numerator.dtype, device=numerator.device)
    return numerator, bottom


def _in_shape(items: Items, lead: torch.Size) -> Items:
    """Rows back in the caller's shape."""
    inner = items.values.shape[1:]
    shaped = [
        None if t is None else t.expand(items.values.shape).reshape(lead + inner) for t in (items.weight, items.present)
    ]
    return Items(items.values.reshape(lead + inner), *shaped)


# -- the boundary
# ----------------------------------------------------------------------------------------------------------


def _problem(
    input: Tensor,
    weight: Tensor,
    target: Tensor,
    bias: Tensor | None,
    head: Head,
    sample_weight: Tensor | None,
    mask: Tensor | None,
    chunk: int | str,
) -> Problem:
    _accept_head(head)
    _accept_shapes(input, weight, target, bias)
    lead, width = input.shape[:-1], weight.shape[0]
    each = target.shape[len(lead) :]
    if target.shape[: len(lead)] != lead or tuple(each) not in ((), (width,)):
        raise ShapeError(
            where=NAME,
            seen=f"input has shape {tuple(input.shape)} and target {tuple(target.shape)}",
            needed=f"target must have shape {tuple(lead)}, or {tuple(lead) + (width,)} for rows of {width}",
            repair="Does every row of features have one label?",
        )
    rows = Rows(
        target.flatten(0, len(lead) - 1),
        *(_flat(*pair, lead) for pair in (("sample_weight", sample_weight), ("mask", mask))),
    )
    rows = replace(rows, alive=_alive(rows, head, width))
    if chunk == "auto":
        chunk = chunk_rows(width, input.element_size())
    if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
        raise UsageError(
            where=NAME,
            seen=f"chunk is {chunk!r}",
            needed="a number of rows >= 1 was needed",
            repair='The default is "auto".',
        )
    return Problem(head, rows, lead, input.flatten(0, -2), weight, bias, chunk)


def chunk_rows(width: int, n_bytes: int) -> int:
    """Rows of an automatic chunk, for so many logits a row of so many bytes each."""
    return max(CHUNK_ROWS, CHUNK_BYTES // (width * max(4, n_bytes)))


def _accept_head(head: Head) -> None:
    if not isinstance(head.loss, Loss) or head.loss.target.is_coupled:
        raise UsageError(
            where=NAME,
            seen=f"loss is {head.loss!r}",
            needed="a loss of the catalogue whose items do not see each other was needed, such as losses.focal",
            repair="Options of a module go into the call: losses.linear(..., loss=losses.focal, gamma=2.0).",
        )
    check_value(NAME, "z_loss", head.z_loss, Interval(low=0.0))
    if head.softcap is not None:
        check_value(NAME, "softcap", head.softcap, Interval(low=0.0, open_low=True))
    has_z = isinstance(head.z_loss, Tensor) or head.z_loss != 0.0
    if has_z and not head.loss.target.has_class_axis:
        raise UsageError(
            where=NAME,
            seen=f"z_loss was given with {head.loss.name}",
            needed="z_loss belongs to losses of a softmax",
            repair="Leave z_loss out.",
        )


def _accept_shapes(input: Tensor, weight: Tensor, target: Tensor, bias: Tensor | None) -> None:
    for name, value in (("input", input), ("weight", weight), *([("bias", bias)] if bias is not None else [])):
        accept.accept_input(NAME, name, value)
    if not isinstance(target, Tensor):
        raise UsageError(
            where=NAME, seen=f"target is a {type(target).__name__}", needed="a torch.Tensor was needed",
            repair="torch.as_tensor(target) makes one.",
        )  # fmt: skip
    accept.accept_same_device(NAME, input, weight=weight, bias=bias, target=target)
    if input.dim() < 2 or weight.dim() != 2 or weight.shape[1] != input.shape[-1]:
        turned = weight.dim() == 2 and input.dim() > 1 and weight.shape[0] == input.shape[-1]
        raise ShapeError(
            where=NAME,
            seen=f"input has shape {tuple(input.shape)} and weight {tuple(weight.shape)}",
            needed="input (N, D) or (B, T, D) and weight (V, D) were needed",
            repair="Did you mean weight.T?" if turned else "weight is that of torch.nn.Linear: one row per class.",
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(
            where=NAME,
            seen=f"bias has shape {tuple(bias.shape)} and weight {tuple(weight.shape)}",
            needed=f"bias must have shape {tuple(weight.shape[:1])}",
            repair="bias is that of torch.nn.Linear: one number per class.",
        )


def _flat(name: str, value: Tensor | None, lead: torch.Size) -> Tensor | None:
    """A weight or mask of the items, one entry (or one row of entries) per row of features."""
    if value is None or (value.dim() > len(lead) and value.shape[: len(lead)] == lead):
        return None if value is None else value.flatten(0, len(lead) - 1)
    aligned = accept.accept_left_aligned(NAME, name, value, lead)
    return None if aligned is None else aligned.expand(lead).flatten()


def _alive(rows: Rows, head: Head, width: int) -> Tensor | None:
    """Which rows are read: those with an item that counts; None when nothing is said of any."""
    target, options = rows.target, head.options
    hard = target.dim() == 1
    left_out = ignored(target, options.get("ignore_index"))
    items = target.shape if hard or not head.loss.target.has_class_axis else target.shape[:1]
    if left_out is not None and left_out.shape != items:
        left_out = left_out.all(1)
    alive = liveness(NAME, items, Options(rows.weight, rows.mask), left_out).alive
    per_class = options.get("class_weight")
    if per_class is not None and hard:
        vector = torch.as_tensor(per_class, device=target.device)
        if vector.shape == (width,):
            alive = both(alive, vector[target.clamp(0, width - 1).long()] != 0)
    if alive is None:
        return None
    return alive.expand(items).flatten(1).any(1) if len(items) > 1 else alive.expand(items)

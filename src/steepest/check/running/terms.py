"""The addends of a recorded loss, each with its factor and the unit in which it was reduced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .graph import PASSES, Op, Ref, leaf

MEANS = frozenset(
    "cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss smooth_l1_loss huber_loss kl_div "
    "poisson_nll_loss gaussian_nll_loss".split()
)


@dataclass(frozen=True)
class Term:
    """One addend. unit: "sum" or "mean" over the samples, "" where it is neither; batch: how many were summed."""

    op: Op
    factor: float
    unit: str
    batch: int
    ref: Ref


def terms_of(op: Op | None, factor: float = 1.0, depth: int = 0) -> list[Term]:
    """The addends of a scalar; products and quotients with plain numbers are taken apart."""
    return list(_terms(op, factor, depth))


def _terms(op: Op | None, factor: float, depth: int) -> Iterator[Term]:
    if op is None or depth > 30:
        return
    for ref, sign in _addends(op):
        made = ref.op
        if made is not None and made.name in PASSES and not made.out_shape:
            first = leaf(ref)
            made = first.op if first else None
        if made is None or made.out_shape not in ((), (1,)):
            continue
        scale, inner = _scaled(made)
        if inner is not None and _is_sum(inner):
            yield from _terms(inner, factor * sign * scale, depth + 1)
        else:
            yield _term(made, inner or made, factor * sign * scale, ref)


def _is_sum(op: Op) -> bool:
    return op.name in ("add", "sub") and op.out_shape in ((), (1,)) and any(r.shape in ((), (1,)) for r in op.refs())


def _addends(op: Op) -> list[tuple[Ref, float]]:
    """The root itself is an addend when it is no sum."""
    scale, inner = _scaled(op)
    if inner is not None and _is_sum(inner):
        refs = list(inner.refs())
        return [(r, scale * (-1.0 if inner.name == "sub" and i else 1.0)) for i, r in enumerate(refs)]
    return [(Ref(op, None, op.out_shape, op.out[0].dtype if op.out else None), 1.0)]  # type: ignore[arg-type]


def _scaled(op: Op) -> tuple[float, Op | None]:
    """(factor, what is multiplied) of a product or quotient of a tensor and a plain number."""
    scale = 1.0
    at: Op | None = op
    while at is not None and at.name in ("mul", "div", "neg") and at.out_shape in ((), (1,)):
        refs = list(at.refs())
        plain = [v for v in at.args if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if len(refs) != 1 or (at.name != "neg" and len(plain) != 1):
            break
        scale *= -1.0 if at.name == "neg" else plain[0] if at.name == "mul" else 1.0 / (plain[0] or 1.0)
        at = refs[0].op
    return scale, at


def _term(outer: Op, op: Op, factor: float, ref: Ref) -> Term:
    if op.name in MEANS:
        reduction = "sum" if op.value(-1, "size_average") is False else op.value(-1, "reduction", "mean")
        first = op.ref(0, "input")
        batch = first.shape[0] if first is not None and first.shape else 0
        if reduction == "sum":
            return _divided(op, factor, "sum", batch, ref)
        return Term(op, factor, "mean" if reduction == "mean" else "", batch, ref)
    if op.name in ("sum", "mean"):
        first = op.ref(0, "input")
        whole = op.value(1, "dim") is None
        shape = first.shape if first else ()
        if op.name == "mean":
            return Term(op, factor, "mean" if whole or len(shape) == 1 else "", shape[0] if shape else 0, ref)
        if len(shape) > 1 or whole and len(shape) == 1:
            return _divided(op, factor, "sum", shape[0], ref)
    return Term(op, factor, "", 0, ref)


def _divided(op: Op, factor: float, unit: str, batch: int, ref: Ref) -> Term:
    """A sum divided by the batch size, or by any larger number, is a mean."""
    return Term(op, factor, "mean" if batch > 1 and abs(factor) <= 1.5 / batch else unit, batch, ref)

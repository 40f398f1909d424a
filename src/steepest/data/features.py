"""Features as float32: what is no number, is missing or does not fit is refused with its row and column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steepest.core.errors import DataError

from .frame import is_frame, numbers_of

FINITE_REPAIR = "Leave the rows out, or fill the values, for example with the column's median."


def read_features(x: Any, where: str, names: Sequence[str] | None = None) -> tuple[Tensor, tuple[str, ...] | None]:
    """(x as a new or shared float32 tensor (N, *), feature names or None)."""
    if is_frame(x):
        x, names = numbers_of(x, where)
    tensor = _as_tensor(x, where)
    if tensor.dim() < 2:
        raise DataError(
            where=where, seen=f"x has shape {tuple(tensor.shape)}", needed="(N, features) was needed: a row per sample",
            repair="For one feature: x.reshape(-1, 1)." if tensor.dim() else "Are x and y exchanged?",
        )
    is_image = tensor.dtype == torch.uint8 and tensor.dim() > 2
    converted = tensor.to(torch.float32)
    if is_image:
        converted = converted / 255
    if tensor.dtype == torch.float64:
        _refuse_overflow(tensor, converted, where)
    if names is not None and (converted.dim() != 2 or len(names) != converted.shape[1]):
        raise DataError(
            where=where, seen=f"{len(names)} feature names for rows of shape {tuple(converted.shape[1:])}",
            needed="one name per column was needed",
            repair="Leave feature_names out.",
        )
    return converted, None if names is None else tuple(str(n) for n in names)


def refuse_not_finite(values: Tensor, where: str, what: str, names: Sequence[str] | None) -> None:
    """NaN and infinity are named by row and column."""
    if bool(values.isfinite().all()):
        return
    places = (~values.isfinite()).nonzero()
    first = places[0].tolist()
    value = float(values[tuple(first)])
    column = ""
    if len(first) > 1:
        column = f", column {names[first[1]]!r}" if names and len(first) == 2 else f", place {first[1:]}"
    missing, count = math.isnan(value), "value" if len(places) == 1 else "values"
    raise DataError(
        where=where,
        seen=f"{what} has {len(places)} {count} that no model can use; "
        f"the first is {'NaN' if missing else value} in row {first[0]} (counted from 0){column}",
        needed="every value must be a finite number",
        consequence="One NaN turns a whole batch into NaN." if missing else "",
        repair=FINITE_REPAIR if missing else "Does a logarithm or a division make it? Clip it, or leave the rows out.",
    )


def _as_tensor(x: Any, where: str) -> Tensor:
    if isinstance(x, Tensor):
        return _dense(x, where)
    if hasattr(x, "toarray"):
        raise DataError(
            where=where, seen=f"x is a sparse {type(x).__name__}", needed="a dense array was needed",
            repair="x.toarray() makes one, if it fits in memory.",
        )
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise DataError(
            where=where, seen="rows of x have different lengths", needed="an array with rows of one shape was needed",
            repair="Pad, cut or resize the samples to one shape.",
        ) from error
    if array.dtype.kind in "OUS":
        array = _numbers_in(array, where)
    if array.dtype.kind not in "biuf":
        raise DataError(
            where=where, seen=f"x holds {array.dtype}", needed="numbers were needed",
            repair="For dates: a number such as days since the first one." if array.dtype.kind in "mM"
            else "x.real and x.imag, or abs(x), are numbers.",
        )
    if array.dtype.kind == "f" and array.dtype.itemsize not in (2, 4, 8) or not array.dtype.isnative:
        array = array.astype(np.float64 if array.dtype.kind == "f" else array.dtype.newbyteorder("="))
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.float64)  # older torch has no arithmetic for uint16 to uint64
    return torch.from_numpy(array.copy() if any(s < 0 for s in array.strides) or not array.flags.writeable else array)


def _dense(x: Tensor, where: str) -> Tensor:
    for is_so, seen, repair in (
        (x.is_nested, "rows of different lengths (nested)", "x.to_padded_tensor(0.0) makes one shape of them."),
        (x.device.type == "meta", "no values (device meta)", "Make it on a device that holds numbers."),
        (x.layout != torch.strided, f"layout {x.layout}", "x.to_dense() makes one, if it fits in memory."),
        (x.is_quantized, "quantized numbers", "x.dequantize()"),
        (x.is_complex(), "complex numbers", "torch.view_as_real(x) has the two parts, x.abs() the size."),
    ):
        if is_so:
            raise DataError(
                where=where, seen=f"x has {seen}", needed="a dense tensor of real numbers was needed", repair=repair
            )
    return x.detach().cpu()


def _numbers_in(array: np.ndarray, where: str) -> np.ndarray:
    """An array of objects as numbers; the first that is none is named."""
    try:
        if array.dtype.kind == "O":
            return array.astype(np.float64)
    except (TypeError, ValueError):
        pass
    for place, value in np.ndenumerate(array):
        if not isinstance(value, (int, float, np.number, np.bool_)):
            is_text = isinstance(value, (str, bytes))
            kind, shown = ("text", str(value)) if is_text else (f"a {type(value).__name__}", value)
            column = f", column {place[1]}" if len(place) > 1 else ""
            raise DataError(
                where=where,
                seen=f"x holds {kind}, {shown!r:.40}, in row {place[0]} (counted from 0){column}",
                needed="every feature must be a number",
                repair="Turn the column into numbers (pandas.get_dummies makes a 0/1 column per word) or leave it out.",
            )
    raise DataError(
        where=where, seen="x holds objects that are no numbers", needed="every feature must be a number",
        repair="numpy.asarray(x, dtype=float) shows where.",
    )


def _refuse_overflow(before: Tensor, after: Tensor, where: str) -> None:
    lost = (before.isfinite() & ~after.isfinite()).nonzero()
    if len(lost):
        place = lost[0].tolist()
        raise DataError(
            where=where, seen=f"x{place} is {float(before[tuple(place)]):g}, beyond what float32 holds (3.4e38)",
            needed="smaller numbers were needed",
            repair="Rescale the column, for example by its logarithm.",
        )

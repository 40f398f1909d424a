"""The boundary of every loss: dtypes, shapes, devices and labels are looked at once, and refused with the repair."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .errors import DomainError, DtypeError, LabelError, ShapeError, UsageError
from .shapes import mismatch


def can_read_values(*tensors: Tensor) -> bool:
    """True where looking at values costs nothing: plain CPU tensors, outside transforms and compilation."""
    if torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None:
        return False
    return all(t.device.type == "cpu" and type(t) in (Tensor, torch.nn.Parameter) for t in tensors)


def accept_input(where: str, name: str, value: object) -> Tensor:
    """A dense floating tensor, halves widened to float32."""
    if not isinstance(value, Tensor):
        raise DtypeError(
            where=where,
            seen=f"{name} is a {type(value).__name__}",
            needed="a torch.Tensor was needed",
            repair=f"torch.as_tensor({name}) makes one.",
        )
    if value.layout != torch.strided or value.is_quantized:
        raise DtypeError(
            where=where,
            seen=f"{name} has layout {value.layout}{' (quantised)' if value.is_quantized else ''}",
            needed="a dense tensor was needed",
            repair=f"{name}.to_dense() or {name}.dequantize() makes one.",
        )
    if not value.is_floating_point():
        raise DtypeError(
            where=where,
            seen=f"{name} is {value.dtype}",
            needed="floating numbers were needed",
            repair=f"{name}.float() converts; are {name} and target exchanged?"
            if not value.is_complex()
            else f"torch.view_as_real({name}) gives real and imaginary parts.",
        )
    return value if value.dtype in (torch.float32, torch.float64) else value.float()


def accept_same_device(where: str, input: Tensor, **others: Tensor | None) -> None:
    for name, tensor in others.items():
        if tensor is not None and tensor.dim() > 0 and tensor.device != input.device:
            raise UsageError(
                where=where,
                seen=f"input is on {input.device} and {name} on {tensor.device}",
                needed="both must be on one device",
                repair=f"{name}.to({str(input.device)!r}) moves it.",
            )


def accept_numbers(where: str, target: object, says: str) -> Tensor:
    """A target of floating numbers."""
    if isinstance(target, Tensor) and not target.is_floating_point() and not target.is_complex():
        raise DtypeError(
            where=where,
            seen=f"target is {target.dtype}",
            needed=f"{says} were needed",
            repair="If these are measurements: target.float(). If they are classes: a loss of classes such as cross_entropy.",
        )
    return accept_input(where, "target", target)


def accept_equal_target(where: str, input: Tensor, target: object, says: str) -> Tensor:
    """A target of the input's shape and dtype."""
    tensor = accept_numbers(where, target, says)
    if tensor.shape != input.shape:
        raise mismatch(where, input.shape, tensor.shape)
    return tensor.to(input.dtype)


def accept_probabilities(where: str, name: str, value: Tensor) -> None:
    """Values in [0, 1], where they can be read. NaN passes: it may stand under a mask."""
    if can_read_values(value) and value.numel():
        low, high = value.aminmax()
        if low < 0 or high > 1:
            bad = ((value < 0) | (value > 1)).nonzero()[0].tolist()
            raise LabelError(
                where=where,
                seen=f"{name}{bad} is {value[tuple(bad)].item():g}",
                needed="values in [0, 1] were needed",
                repair="Divide 0-255 masks by 255; turn ±1 labels into 0/1 with (t + 1) / 2.",
            )


def accept_class_axis(where: str, input: Tensor, least: int = 2) -> None:
    """The input has classes on axis 1: at least two, where they compete for one label."""
    if input.dim() < 2:
        raise ShapeError(
            where=where,
            seen=f"input has shape {tuple(input.shape)}",
            needed="(N, C, *) was needed: one row of C logits per sample",
            repair="For one sample: input.unsqueeze(0) and target.unsqueeze(0).",
        )
    if input.shape[1] < least:
        raise ShapeError(
            where=where,
            seen=f"input has shape {tuple(input.shape)}: one class",
            needed="at least two classes were needed",
            consequence="The softmax of a single logit is always 1, so the loss would be 0 and nothing would be learned.",
            repair="For two classes with one logit use bce_with_logits.",
        )


def accept_row(where: str, input: Tensor, length: int, row: str) -> None:
    """The input has a row of this length on axis 1."""
    if input.dim() < 2 or input.shape[1] != length:
        raise ShapeError(
            where=where,
            seen=f"input has shape {tuple(input.shape)}",
            needed=f"(N, {length}, *) was needed: {row}",
            repair="If they are on the last axis: dim=-1. For one sample: input.unsqueeze(0) and target.unsqueeze(0).",
        )


def accept_items(where: str, input: Tensor, target: Tensor, items: torch.Size, what: str) -> Tensor:
    """A target with one thing per item."""
    if target.shape != items:
        raise _wrong_items(where, input, target, items, what)
    return target


def accept_indices(where: str, input: Tensor, target: object, items: torch.Size, what: str = "one class index") -> Tensor:
    """Whole numbers, one per item, as int64."""
    if not isinstance(target, Tensor):
        raise DtypeError(
            where=where,
            seen=f"target is a {type(target).__name__}",
            needed="a torch.Tensor was needed",
            repair="torch.as_tensor(target) makes one.",
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise DtypeError(
            where=where,
            seen=f"target is {target.dtype}",
            needed="class indices (integers) were needed",
            repair="target.long() converts.",
        )
    accept_items(where, input, target, items, what)
    return target if target.dtype == torch.int64 else target.long()


def accept_classes(where: str, input: Tensor, target: object) -> Tensor:
    """Class indices (N, *) as int64, or probabilities (N, C, *) in the input's dtype."""
    if isinstance(target, Tensor):
        accept_class_axis(where, input)
        if target.is_floating_point():
            return _accept_soft(where, input, target)
    return accept_indices(where, input, target, input.shape[:1] + input.shape[2:])


def _accept_soft(where: str, input: Tensor, target: Tensor) -> Tensor:
    if target.shape != input.shape:
        items = input.shape[:1] + input.shape[2:]
        if target.shape == items:
            raise DtypeError(
                where=where,
                seen=f"target is {target.dtype} of shape {tuple(target.shape)}",
                needed="class indices must be integers; probabilities must have the input's shape",
                repair="target.long() converts.",
            )
        raise mismatch(where, input.shape, target.shape)
    return target.to(input.dtype)


def _wrong_items(where: str, input: Tensor, target: Tensor, items: torch.Size, what: str) -> ShapeError:
    repair = f"Does every sample have {what}?"
    if target.numel() == items.numel():
        repair = f"Did you mean target.reshape({', '.join(map(str, items))})?"
    elif target.shape == input.shape and not target.is_floating_point():
        repair = "For one-hot rows: target.argmax(1), or target.float() for probabilities."
    elif input.shape[:-1] == target.shape:
        repair = "The classes seem to be on the last axis: pass dim=-1, or input.movedim(-1, 1)."
    return ShapeError(
        where=where,
        seen=f"input has shape {tuple(input.shape)} and target {tuple(target.shape)}",
        needed=f"target must have shape {tuple(items)}: {what} per item",
        repair=repair,
    )


def bad_label(where: str, target: Tensor, n_classes: int) -> LabelError | None:
    """The error that names the first label outside 0..C-1, or None."""
    outside = ((target < 0) | (target >= n_classes)).nonzero()
    if len(outside) == 0:
        return None
    place = outside[0].tolist()
    label = int(target[tuple(place)])
    repair = f"Labels must run from 0 to {n_classes - 1}."
    if label < 0:
        repair += f" To leave such items out: ignore_index={label}."
    elif label == n_classes:
        repair += " If they start at 1: target - 1."
    return LabelError(
        where=where,
        seen=f"target{place} is {label} (first of {len(outside)}) and the input has {n_classes} classes",
        needed=f"labels in 0..{n_classes - 1} were needed",
        repair=repair,
    )


def accept_labels(where: str, target: Tensor, n_classes: int) -> None:
    """Labels in 0..C-1, where they can be read."""
    error = bad_label(where, target, n_classes) if can_read_values(target) else None
    if error is not None:
        raise error


def accept_left_aligned(where: str, name: str, value: Tensor | None, items: torch.Size) -> Tensor | None:
    """A weight or mask of the items' shape or of fewer trailing axes, as a view that broadcasts over the items."""
    if value is None:
        return None
    if not isinstance(value, Tensor):
        raise DtypeError(
            where=where,
            seen=f"{name} is a {type(value).__name__}",
            needed="a torch.Tensor was needed",
            repair=f"torch.as_tensor({name}) makes one.",
        )
    fits = value.dim() <= len(items) and all(have in (want, 1) for have, want in zip(value.shape, items))
    if not fits or (value.dim() == 0 and len(items) > 0):
        raise ShapeError(
            where=where,
            seen=f"{name} has shape {tuple(value.shape)} and the items {tuple(items)}",
            needed=f"{name} must have the items' shape or its first axes, such as {tuple(items[:1])}",
            repair=_alignment_repair(name, tuple(value.shape), tuple(items)),
        )
    return value.reshape(tuple(value.shape) + (1,) * (len(items) - value.dim()))


def _alignment_repair(name: str, shape: tuple[int, ...], items: tuple[int, ...]) -> str:
    if shape == ():
        return f"A number scales the loss itself: multiply the loss by it, or {name}.expand({items[0]}) for one per sample."
    if shape == items[1:]:
        return f"For one {name} per column: {name}.expand({', '.join(map(str, items))})."
    if math.prod(shape) == math.prod(items):
        return f"Did you mean {name}.reshape({', '.join(map(str, items))})?"
    return "One per sample (N,), or one per element."


def accept_class_weight(where: str, class_weight: Tensor | None, n_classes: int, like: Tensor) -> Tensor | None:
    if class_weight is None:
        return None
    vector = torch.as_tensor(class_weight, dtype=like.dtype, device=like.device)
    if vector.shape != (n_classes,):
        raise ShapeError(
            where=where,
            seen=f"class_weight has shape {tuple(vector.shape)}",
            needed=f"one weight per class was needed: ({n_classes},)",
            repair=f"The input has {n_classes} classes on axis 1.",
        )
    return accept_nonnegative(where, "class_weight", vector)


def accept_nonnegative(where: str, name: str, value: Tensor) -> Tensor:
    """Weights below zero (or NaN) are refused where they can be read."""
    if can_read_values(value) and value.numel() and not bool((value >= 0).all()):
        place = (~(value >= 0)).nonzero()[0].tolist()
        raise DomainError(
            where=where,
            seen=f"{name}{place} is {value[tuple(place)].item():g}",
            needed=f"{name} must be >= 0",
            repair="A weight is how many times an item counts; to leave an item out give it weight 0 or a mask.",
        )
    return value

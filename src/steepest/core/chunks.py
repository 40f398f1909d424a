"""A last layer and its loss by chunks of rows: each chunk of logits becomes its own gradient, and is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from . import reduce
from .loss import Loss
from .reduce import Items, Normalize


@dataclass(frozen=True)
class Head:
    """What follows the features: a loss, its options, and what is done to the logits before and beside it."""

    loss: Loss
    options: dict[str, Any]
    z_loss: float | Tensor
    softcap: float | Tensor | None

    @property
    def is_plain(self) -> bool:
        return self.softcap is None and not isinstance(self.z_loss, Tensor) and self.z_loss == 0.0

    def items(self, logits: Tensor, rows: Rows) -> Items:
        """The weighted values of these rows, before any sum."""
        if self.softcap is not None:
            logits = torch.tanh(logits / self.softcap) * self.softcap
        items = self.loss.items(logits, rows.target, weight=rows.weight, mask=rows.mask, **self.options)
        if not isinstance(self.z_loss, Tensor) and self.z_loss == 0.0:
            return items
        share = items.count("weight")
        wide = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
        size = torch.where((share != 0).unsqueeze(1), wide, 0.0).logsumexp(1)
        return replace(items, values=items.values + self.z_loss * share * size.square())

    def parts_and_slope(self, logits: Tensor, rows: Rows, normalize: Normalize) -> tuple[Tensor, Tensor, Tensor]:
        """(numerator, denominator, gradient of the numerator by the logits, perhaps in their place)."""
        if self.is_plain:
            return self.loss.parts_and_slope(
                logits, rows.target, normalize=normalize, weight=rows.weight, mask=rows.mask, **self.options
            )
        numerator, pull, denominator = torch.func.vjp(  # type: ignore[misc]
            lambda x: reduce.parts(self.items(x, rows), normalize), logits, has_aux=True
        )
        return numerator, denominator, pull(torch.ones_like(numerator))[0]


@dataclass(frozen=True)
class Rows:
    """Targets and what is said of them, one row per row of features. alive: rows that are read, or None for all."""

    target: Tensor
    weight: Tensor | None
    mask: Tensor | None
    alive: Tensor | None = None

    def cut(self, at: slice) -> Rows:
        others = (None if t is None else t[at] for t in (self.weight, self.mask, self.alive))
        return Rows(self.target[at], *others)

    def read(self, features: Tensor) -> Tensor:
        """The features, those of dead rows replaced: what stands there must not meet the gradient of the weights."""
        return features if self.alive is None else torch.where(self.alive.unsqueeze(1), features, 0.0)


@dataclass(frozen=True)
class Problem:
    """A call, checked and flattened to rows. lead: the shape of the features without their last axis."""

    head: Head
    rows: Rows
    lead: torch.Size
    features: Tensor
    weight: Tensor
    bias: Tensor | None
    chunk: int

    def unfused(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Items:
        """All logits at once: under transforms, and where a derivative is itself differentiated."""
        return self.head.items(F.linear(self.rows.read(x), weight, bias), self.rows)

    def chunks(self) -> list[slice]:
        """Near-equal chunks of at most `chunk` rows: a last one of a few rows would multiply matrices slowly."""
        n = self.features.shape[0]
        rows = -(-n // max(1, -(-n // self.chunk)))
        return [slice(start, min(start + rows, n)) for start in range(0, n, max(1, rows))]

    def sums(self, normalize: Normalize) -> tuple[Tensor, Tensor]:
        """(numerator, denominator) over all rows."""
        if self.is_fusible():
            numerator, denominator = _Sums.apply(self.features, self.weight, self.bias, self, normalize)
            return numerator, denominator
        if self.is_fusible_for_trials():
            values = self.values()
            places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
            numerator, denominator, *_ = _SumsOfTrials.apply(self, normalize, places, *(values[i] for i in places))
            return numerator, denominator
        return reduce.parts(self.unfused(self.features, self.weight, self.bias), normalize)

    def items(self) -> Items:
        """Values of all rows. Their logits are made again, chunk by chunk, for the gradient."""
        if not self.is_fusible():
            return self.unfused(self.features, self.weight, self.bias)
        pieces = [_again(self, at) for at in self.chunks()]
        return Items(
            torch.cat([piece.values for piece in pieces]) if pieces else self.features.new_zeros((0,)),
            _joined([piece.weight for piece in pieces], [piece.values for piece in pieces]),
            _joined([piece.present for piece in pieces], [piece.values for piece in pieces]),
        )

    def values(self) -> list[Any]:
        """All that a transform may have wrapped; what is differentiated comes first."""
        head, rows = self.head, self.rows
        own = [self.features, self.weight, self.bias]
        return own + [
            rows.target,
            rows.weight,
            rows.mask,
            rows.alive,
            head.z_loss,
            head.softcap,
            *head.options.values(),
        ]

    def with_values(self, values: list[Any]) -> Problem:
        """The same problem of other values, in their order in `values()`."""
        options = dict(zip(self.head.options, values[9:]))
        head = replace(self.head, z_loss=values[7], softcap=values[8], options=options)
        return replace(self, features=values[0], weight=values[1], bias=values[2], rows=Rows(*values[3:7]), head=head)

    def is_fusible(self) -> bool:
        """Plain autograd that asks for the gradients of the features, the weights and the bias only."""
        if torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None:
            return False
        return (
            forward_ad._current_level < 0
            and bool(self.chunks())
            and not any(map(_is_differentiated, self.values()[3:]))
        )

    def is_fusible_for_trials(self) -> bool:
        """vmap and one grad of torch.func, which ask for the same gradients, and nobody outside who asks for more."""
        if torch.compiler.is_compiling() or not self.chunks():
            return False
        levels = [level.key() for level in torch._C._functorch.get_interpreter_stack() or ()]
        kinds = torch._C._functorch.TransformType
        known = all(level in (kinds.Vmap, kinds.Grad) for level in levels) and levels.count(kinds.Grad) <= 1
        return (
            known and not any(map(_is_differentiated, self.values()[3:])) and not any(map(_is_outer, self.values()[:3]))
        )


def _is_differentiated(value: Any) -> bool:
    """A tensor that autograd, or a transform at any level, follows."""
    while isinstance(value, Tensor):
        if value.requires_grad:
            return True
        if not torch._C._functorch.is_functorch_wrapped_tensor(value):
            return False
        value = torch._C._functorch.get_unwrapped(value)
    return False


def _is_outer(value: Any) -> bool:
    """A tensor that plain autograd follows from outside all transforms."""
    while isinstance(value, Tensor) and torch._C._functorch.is_functorch_wrapped_tensor(value):
        value = torch._C._functorch.get_unwrapped(value)
    return isinstance(value, Tensor) and value.requires_grad


class _Sums(torch.autograd.Function):
    """Each chunk's logits become their own gradient, which goes into those of features, weights and bias at once."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, problem: Problem, normalize: Normalize
    ) -> Any:
        needs = ctx.needs_input_grad[:3]
        ctx.save_for_backward(x, weight, bias)
        ctx.problem, ctx.normalize = problem, normalize
        ctx.slopes, numerator, denominator = _walk(x, weight, bias, problem, normalize, needs)
        ctx.mark_non_differentiable(denominator)
        return numerator, denominator

    @staticmethod
    def backward(ctx: Any, outer: Tensor, _: Any) -> Any:
        slopes, ctx.slopes = ctx.slopes, None
        if torch.is_grad_enabled() or slopes is None:
            return *_differentiated(ctx, outer), None, None
        factor = outer.item()
        return *(None if s is None else s if factor == 1.0 else s.mul_(factor) for s in slopes), None, None


def _walk(
    x: Tensor, weight: Tensor, bias: Tensor | None, problem: Problem, normalize: Normalize, needs: tuple[bool, ...]
) -> tuple[list[Tensor | None], Tensor, Tensor]:
    """([gradients of x, weight, bias; None where not needed], numerator, denominator)."""
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    d_x = torch.empty_like(x) if needs[0] else None
    d_weight = torch.zeros_like(weight, dtype=wide) if needs[1] else None
    d_bias = torch.zeros_like(bias, dtype=wide) if bias is not None and needs[2] else None
    sums = []
    memory = x.new_empty(0)
    for at in problem.chunks():
        rows = problem.rows.cut(at)
        read = rows.read(x[at])
        logits, memory = _logits(read, weight, bias, memory)
        if not any(needs):
            sums.append(torch.stack(reduce.parts(problem.head.items(logits, rows), normalize)).double())
            continue
        numerator, denominator, slope = problem.head.parts_and_slope(logits, rows, normalize)
        sums.append(torch.stack((numerator, denominator)).double())
        if d_bias is not None:
            d_bias += slope.sum(0)
        narrow = slope.to(x.dtype)
        if d_x is not None:
            torch.mm(narrow, weight, out=d_x[at])
        if d_weight is not None:
            _add_product(d_weight, narrow, read)
        del slope, narrow
    total = torch.stack(sums).sum(0).to(wide)
    slopes = [
        d_x,
        None if d_weight is None else d_weight.to(weight.dtype),
        d_bias if bias is None or d_bias is None else d_bias.to(bias.dtype),
    ]
    return slopes, total[0], total[1]


def _logits(x: Tensor, weight: Tensor, bias: Tensor | None, memory: Tensor) -> tuple[Tensor, Tensor]:
    """(logits, the memory they lie in). Memory is used again from chunk to chunk.

    What is freed and asked for again need not be the same memory: glibc took up to five chunks from the system for one.
    """
    size = x.shape[0] * weight.shape[0]
    memory = memory if memory.numel() >= size else x.new_empty(size)
    out = memory[:size].view(x.shape[0], weight.shape[0])
    if bias is None:
        return torch.mm(x, weight.T, out=out), memory
    return torch.addmm(bias, x, weight.T, out=out), memory


def _add_product(total: Tensor, slope: Tensor, features: Tensor) -> None:
    """total += slope.T @ features, in total's precision."""
    if total.dtype == slope.dtype:
        total.addmm_(slope.T, features)
    else:  # sums of many chunks in bfloat16 would lose the last of its eight bits again and again
        total += slope.T @ features


def _differentiated(ctx: Any, outer: Tensor) -> list[Tensor | None]:
    """The gradients, as functions that can be differentiated again; all logits exist at once."""
    create = torch.is_grad_enabled()
    inputs = [t for t, needed in zip(ctx.saved_tensors, ctx.needs_input_grad) if needed]
    with torch.enable_grad():
        numerator, _ = reduce.parts(ctx.problem.unfused(*ctx.saved_tensors), ctx.normalize)
    found = iter(torch.autograd.grad(numerator, inputs, outer, create_graph=create))
    return [next(found) if needed else None for needed in ctx.needs_input_grad[:3]]


def _again(problem: Problem, at: slice) -> Items:
    """A chunk's items; its logits are dropped and made anew for the gradient."""
    rows = problem.rows.cut(at)

    def items(x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor | None]:
        found = problem.head.items(F.linear(rows.read(x), weight, bias), rows)
        return found.values, found.weight, found.present

    made = checkpoint(
        items, problem.features[at], problem.weight, problem.bias, use_reentrant=False, preserve_rng_state=False
    )
    return Items(*made)


def _joined(pieces: list[Tensor | None], values: list[Tensor]) -> Tensor | None:
    """What broadcasts over the values of each chunk, for all of them."""
    if not pieces or pieces[0] is None:
        return None
    return torch.cat([piece.expand(value.shape) for piece, value in zip(pieces, values) if piece is not None])


class _SumsOfTrials(torch.autograd.Function):
    """The same under torch.func, where nothing is written in place: one set of values per trial."""

    generate_vmap_rule = True

    @staticmethod
    def forward(template: Problem, normalize: Normalize, places: list[int], *tensors: Tensor) -> Any:
        values = template.values()
        for place, tensor in zip(places, tensors):
            values[place] = tensor
        return _walk_trials(template.with_values(values), normalize)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.places = inputs[2]
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[2:])

    @staticmethod
    def backward(ctx: Any, outer: Tensor, *_: Any) -> Any:
        slopes = [outer * slope for slope in ctx.saved_tensors]
        return None, None, None, *slopes, *[None] * (len(ctx.places) - len(slopes))


def _walk_trials(problem: Problem, normalize: Normalize) -> tuple[Tensor, ...]:
    """(numerator, denominator, gradients of features, weight and, where there is one, bias)."""
    sums, pieces = [], []
    slopes: tuple[Tensor, ...] = ()
    for at in problem.chunks():
        rows = problem.rows.cut(at)
        read = rows.read(problem.features[at])
        logits = F.linear(read, problem.weight, problem.bias)
        numerator, denominator, slope = problem.head.parts_and_slope(logits, rows, normalize)
        narrow = slope.to(read.dtype)
        add = (narrow.T @ read, narrow.sum(0))
        pieces.append(narrow @ problem.weight)
        sums.append(torch.stack((numerator, denominator)))
        slopes = add if len(sums) == 1 else (slopes[0] + add[0], slopes[1] + add[1])
    total = torch.stack(sums).sum(0)
    return (total[0], total[1], torch.cat(pieces), *slopes[: 1 if problem.bias is None else 2])
